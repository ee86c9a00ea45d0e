"""The forms of a word that a rule means: what is added to it, by language.

A form is a literal and a *tail*: what may follow the literal up to the end of the word. English forms are
spelled out (``tail`` None: nothing may follow). Russian and Korean words are a stem with the set of endings
that may follow it. The forms are generous: one that no writer uses costs a few bytes and finds nothing.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

MAX_TAIL = 30  # letters that may follow a literal


class Mark(StrEnum):
    """How a rule wants a word to be inflected."""

    EXACT = "exact"
    NOUN = "noun"
    VERB = "verb"


class Form(NamedTuple):
    """One way to write a word: ``literal``, then one of ``tail``'s endings (None: the word ends here)."""

    literal: str
    tail: frozenset[str] | None = None


ANY_TAIL: frozenset[str] = frozenset()  # whatever follows, up to MAX_TAIL letters and digits


def forms(word: str, mark: Mark, language: str) -> tuple[Form, ...]:
    """The forms of a folded word; itself alone where the language has no inflection here."""
    head, space, last = word.rpartition(" ")
    if space:  # written with a hyphen: its last part is inflected
        return tuple(Form(f"{head} {form.literal}", form.tail) for form in forms(last, mark, language))
    if mark is not Mark.EXACT:
        if language == "en":
            spelled = _english_verb(word) if mark is Mark.VERB else _english_noun(word)
            return tuple(Form(form) for form in dict.fromkeys(spelled))
        if language == "ru" and _CYRILLIC_WORD.fullmatch(word):
            return _russian_verb(word) if mark is Mark.VERB else _russian_nominal(word)
        if language == "ko":
            return (Form(word, _KOREAN_VERBAL if mark is Mark.VERB else _KOREAN_PARTICLES),)
    return (Form(word),)


def _split(text: str, separator: str | None = None) -> list[str]:
    return text.split(separator)


# -- English -------------------------------------------------------------------------------------------

_SINGULAR_IN_S = frozenset({"gas", "bias", "atlas", "canvas", "lens", "chaos", "ethos", "texas", "kansas"})
_IRREGULAR_PLURALS = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet",
    "knife": "knives", "life": "lives", "half": "halves", "thief": "thieves", "crisis": "crises",
    "analysis": "analyses",
    "basis": "bases", "thesis": "theses", "datum": "data", "medium": "media", "aircraft": "aircraft",
    "spacecraft": "spacecraft", "policeman": "policemen", "spokesman": "spokesmen", "chairman": "chairmen",
    "congressman": "congressmen", "serviceman": "servicemen", "memorandum": "memoranda",
    "communique": "communiques", "attache": "attaches", "index": "indices", "axis": "axes", "coup": "coups",
}  # fmt: skip
_VOWELS = "aeiou"


def _english_noun(word: str) -> list[str]:
    """Singular and plural. A word that is already plural ("arms", "talks") stays as it is."""
    if word in _IRREGULAR_PLURALS:
        return [word, _IRREGULAR_PLURALS[word]]
    last = word[-1]
    if not last.isalnum() or word.endswith("'s"):
        return [word]
    if last == "s":
        singular = word.endswith(("ss", "us", "is")) or word in _SINGULAR_IN_S
        return [word, word + "es"] if singular else [word]
    if word.endswith(("x", "z", "ch", "sh")):
        return [word, word + "es"]
    if last == "y" and word[-2:-1] not in _VOWELS:
        return [word, word[:-1] + "ies"]
    if last == "o" and word[-2:-1] not in _VOWELS:
        return [word, word + "s", word + "es"]
    return [word, word + "s"]


_IRREGULAR_VERBS = {
    row.split()[0]: row.split()[1:]
    for row in _split(
        """
    be am is are was were been being|become became|begin began begun|bind bound|bite bit bitten|blow
    blew blown|break broke broken|bring brought|build built|buy bought|catch caught|choose chose
    chosen|come came|cut|deal dealt|dig dug|do does did done|draw drew drawn|drive drove driven|eat
    ate eaten|fall fell fallen|feed fed|feel felt|fight fought|find found|flee fled|fly flew
    flown|forbid forbade forbidden|forget forgot|freeze froze frozen|get got gotten|give gave
    given|go goes went gone|grow grew grown|have has had|hear heard|hide hid hidden|hit|hold
    held|keep kept|know knew known|lay laid|lead led|leave left|lend lent|let|lie lay lain|lose
    lost|make made|mean meant|meet met|override overrode overridden|oversee oversaw overseen|pay
    paid|put|rebuild rebuilt|ride rode ridden|ring rang rung|rise rose risen|run ran|say said|see
    saw seen|seek sought|sell sold|send sent|set|shake shook shaken|shoot shot|show showed
    shown|shut|sink sank sunk|sit sat|speak spoke spoken|spend spent|split|spread|spring sprang
    sprung|stand stood|steal stole stolen|stick stuck|strike struck stricken|swear swore sworn|sweep
    swept|take took taken|teach taught|tear tore torn|tell told|think thought|throw threw
    thrown|undergo underwent undergone|undertake undertook undertaken|understand understood|uphold
    upheld|wear wore worn|win won|withdraw withdrew withdrawn|withhold withheld|write wrote written
    """,
        "|",
    )
    if row.strip()
}


def _english_verb(word: str) -> list[str]:
    """Base, third person, past, participles; both spellings where a consonant may be doubled."""
    irregular = _IRREGULAR_VERBS.get(word)
    if word.endswith(("s", "x", "z", "ch", "sh")):
        third = [word + "es"]
    elif word.endswith("y") and word[-2:-1] not in _VOWELS:
        third = [word[:-1] + "ies"]
    elif word.endswith("o"):
        third = [word + "s", word + "es"]
    else:
        third = [word + "s"]
    past = irregular if irregular is not None else _regular_past(word)
    return [word, *third, *past, *_present_participle(word)]


def _doubles(word: str) -> bool:
    """Whether a word ends as "ban" or "transfer" does: consonant, one vowel, consonant."""
    tail = word[-3:]
    return (
        len(tail) == 3  # noqa: PLR2004 (the three letters above)
        and tail[0] not in _VOWELS
        and tail[1] in _VOWELS
        and tail[2].isalpha()
        and tail[2] not in "aeiouhwxy"
    )


def _regular_past(word: str) -> list[str]:
    if word.endswith("e"):
        return [word + "d"]
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return [word[:-1] + "ied"]
    return [word + "ed", word + word[-1] + "ed"] if _doubles(word) else [word + "ed"]


def _present_participle(word: str) -> list[str]:
    if word.endswith("ie"):
        return [word[:-2] + "ying"]
    if word.endswith("e") and not word.endswith(("ee", "ye", "oe")) and word != "be":
        return [word[:-1] + "ing"]
    return [word + "ing", word + word[-1] + "ing"] if _doubles(word) else [word + "ing"]


# -- Russian -------------------------------------------------------------------------------------------


def _endings(text: str) -> frozenset[str]:
    return frozenset({"" if ending == "-" else ending for ending in text.split()})


_CYRILLIC_WORD = re.compile("[а-я]+")
_MIN_STEM = 3
# "-" stands for no ending.
_NOUN_ENDINGS = _endings(
    """
    - а я ы и у ю е о ь й ой ей ою ею ом ем ам ям ами ями ах ях ов ев ью ья ье ьи ий ию ия ие ии
    ием иям иями иях
    """
)
_ADJECTIVE_ENDINGS = _endings(
    """
    ый ий ой ая яя ое ее ые ие ого его ому ему ым им ом ем ую юю ою ею ей ых их ыми ими - а о ы
    """
)
_PARTICIPLE = _endings("н на но ны нный нная нное нные нного нному нным нном нной нную нных нными")
_VERB_ENDINGS = _endings(
    """
    ть ти ет ит ут ют ат ят ем им ете ите у ю ешь ишь ал ала ало али ил ила ило или ел ела ело ели ул ула
    уло ули ыл ыла ыло ыли ял яла яло яли л ла ло ли ать ять еть ить уть оть ыть ай айте и ите ив ав ает
    ают аем аете аю яет яют яем яете яю еет еют нет нут ну нем ющий ющие ющая ющих
    """
)
_VERB_ENDINGS |= {vowel + ending for vowel in "аяе" for ending in _PARTICIPLE}
_OVAT_ENDINGS = _endings(
    """
    овать ую ует уют уем уете уешь овал овала овало овали уя ующий ующая ующее ующие ующего ующих ующим
    """
)
_OVAT_ENDINGS |= {"ова" + ending for ending in _PARTICIPLE}
_VERB_ENDINGS |= {ending + reflexive for ending in _VERB_ENDINGS for reflexive in ("ся", "сь")}
_OVAT_ENDINGS |= {ending + reflexive for ending in _OVAT_ENDINGS for reflexive in ("ся", "сь")}
_INDECLINABLE = _endings(
    """
    без в вне во да для до за и из или как ко к между на над не ни но о об обо от по под при про против с
    со у через оон нато сша кндр кнр мид
    """
)


def _russian_nominal(word: str) -> tuple[Form, ...]:
    """All cases and numbers of a noun or adjective given in any form; short words stay as they are."""
    if word in _INDECLINABLE or len(word) <= _MIN_STEM:
        return (Form(word),)
    found = []
    if word.endswith(("ый", "ий", "ой", "ая", "яя", "ое", "ее", "ые", "ие")) and len(word) - 2 >= _MIN_STEM:
        found.append(Form(word[:-2], _ADJECTIVE_ENDINGS))
    if not word.endswith(("ый", "ая", "яя", "ое", "ее", "ые")):
        stem = word[:-1] if word[-1] in "аяыиуюеоьй" else word
        found.append(Form(stem, _NOUN_ENDINGS))
    return tuple(found)


def _russian_verb(word: str) -> tuple[Form, ...]:
    """The forms of a verb given as its infinitive. A stem that changes its consonant is another word."""
    base = word.removesuffix("ся").removesuffix("сь")
    if base.endswith(("овать", "евать")) and len(base) - 5 >= _MIN_STEM - 1:
        return (Form(base[:-5], _OVAT_ENDINGS),)
    stem = base.removesuffix("ть").removesuffix("ти")
    if stem != base and stem[-1:] in "аяеиоуы" and len(stem) > _MIN_STEM - 1:
        stem = stem[:-1]
    return (Form(stem, _VERB_ENDINGS),)


# -- Korean --------------------------------------------------------------------------------------------

_PARTICLES = _endings(
    """
    가 이 은 는 을 를 의 에 에서 에게 께 께서 와 과 랑 이랑 도 만 로 으로 부터 까지 처럼 보다 마다
    조차 마저 밖에 라고 이라고 라는 이라는 라며 이라며 이다 다 였다 이었다 이며 며 이나 나 이고 고 인
    일 에는 에도 에만 에서는 에서도 에게는 으로는 로는 으로도 로도 으로부터 로부터 에서의 으로의 로의
    와의 과의 와는 과는 까지도 만이 만을 만은 에의 에서만 으로서 로서 으로써 로써
    """
)
_KOREAN_PARTICLES = _PARTICLES | {"", "들"} | {"들" + particle for particle in _PARTICLES}
_VERBAL_STARTS = _endings(
    """
    하 한 할 함 합 해 했 하였 되 된 될 됨 됩 돼 됐 되었 시키 시킨 시켰 시킬 당하 당한 당했 받 받은 받았
    """
)
_VERBAL_ENDS = _endings(
    """
    - 다 는 은 을 고 며 면 면서 지 기 게 자 도록 려 려고 여 여서 서 야 라 라고 던 겠다 다고 다는 다며 는데
    기로 기도 기를 기에 고자 지만 습니다 니다 어 었다 었던 었고 았다 였다 였고 였던 것 음 음을 을지 지를
    으며 으면 으로 느냐 냐 나 느라 자는 자고 자며
    """
)
_KOREAN_VERBAL = _KOREAN_PARTICLES | {start + end for start in _VERBAL_STARTS for end in _VERBAL_ENDS}
