"""The rule language: what each construct finds, and which rules are refused with what reason."""

from __future__ import annotations

import pytest

from service.tagging.rules import parse_rule
from service.tagging.tree import Phrases, RuleError
from tests.tagging_samples import phrases


def no_lists(name: str) -> Phrases:
    raise RuleError(f"there is no list {{{name}}}")


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        # Nouns: singular, plural, possessive; what is plural already stays so.
        ("sanction", "Sanctions, a sanction's, sanctioned.", ["Sanctions", "sanction"]),
        ("sanctions", "One sanction, two sanctions'", ["sanctions"]),
        ("arms", "an arm, arms, army, farms, armsman", ["arms"]),
        ("country", "Countries and country", ["Countries", "country"]),
        ("embargo", "embargoes, embargos, embargo", ["embargoes", "embargos", "embargo"]),
        ("crisis", "crises", ["crises"]),
        ("aircraft", "aircraft", ["aircraft"]),
        ("warship", "warships' guns", ["warships"]),
        # Verbs.
        ("impose~", "impose imposes imposed imposing imposition",
         ["impose", "imposes", "imposed", "imposing"]),
        ("sell~", "sold, selling, sells, seller", ["sold", "selling", "sells"]),
        ("ban~", "banned, banning, bans, banner", ["banned", "banning", "bans"]),
        ("agree~", "agreed agreeing agreement", ["agreed", "agreeing"]),
        ("defy~", "defies defied defying", ["defies", "defied", "defying"]),
        ("lie~", "lying", ["lying"]),
        ("strike~", "struck, stricken, striking", ["struck", "stricken", "striking"]),
        # Wildcards and quotes.
        ("sanction*", "sanctionable sanction unsanctioned", ["sanctionable", "sanction"]),
        ("*proliferation", "nonproliferation, non-proliferation", ["nonproliferation", "proliferation"]),
        ('"arm"', "arms arm", ["arm"]),
        ('"arms of the law"', "the long Arms of the Law", ["Arms of the Law"]),
        # Case where it is asked for.
        ("^US", "us US Us", ["US"]),
        ("^Arms", "Arms arms ARMS", ["Arms"]),
        ("^US navy", "the US Navy, us navy", ["US Navy"]),
        ("^SAM", "two SAMs and a sam", ["SAMs"]),
        ('"^F-16"', "F-16 f-16 F‑16", ["F-16", "F‑16"]),
        # Phrases: the last word is inflected, others where marked.
        ("arms deal", "arms deals, arms  deal, arms, deal, weapons deal", ["arms deals", "arms  deal"]),
        ("weapon+ of mass destruction", "weapons of mass destruction", ["weapons of mass destruction"]),
        ("freeze~ asset", "froze assets", ["froze assets"]),
        ("(arms|weapons) (deal|sale)", "weapons sales", ["weapons sales"]),
        ("freeze~ (the|their)? asset", "freezing their assets, freeze assets",
         ["freezing their assets", "freeze assets"]),
        ("sanction* regime", "sanctioned regimes", ["sanctioned regimes"]),
        ("Iran ambassador", "Iran's ambassador", ["Iran's ambassador"]),
        ("cease fire", "cease-fire, cease‐fire, cease fire, ceasefire",
         ["cease-fire", "cease‐fire", "cease fire"]),
        ("arms control", "sells arms. Control of", []),
        ("arms control", "arms – control, arms, control; arms — control", []),
        ("arms control", "arms\ncontrol", ["arms\ncontrol"]),
        ("arms control", "arms\n\ncontrol", []),
        ("arms deal | missile", "missiles and an arms deal", ["missiles", "arms deal"]),
        ("ballistic missile | missile", "ballistic missiles", ["ballistic missiles"]),
        # Proximity.
        ("export NEAR/2 weapon", "weapons for export", ["weapons for export"]),
        ("export NEAR/2 weapon", "exports of one two weapons", []),
        ("export NEAR/0 weapon", "export weapons", ["export weapons"]),
        ("export NEAR/9 weapon", "export\n\nweapons", []),
        ("sell~ BEFORE/2 arms", "sold them arms; arms sold", ["sold them arms"]),
        ("sell~ AFTER/2 arms", "sold them arms; arms they sold", ["arms they sold"]),
        ('"US" NEAR/3 "talks"', "talks with the US", ["talks with the US"]),
        ("visit~ NOT NEAR/2 museum", "visited a museum, then he went on to visit Kyiv", ["visit"]),
        ("arms NOT AFTER/0 lending", "lending arms, arms", ["arms"]),
        ("talks NOT BEFORE/1 show", "talks show; then came the talks", ["talks"]),
        # Groups within a unit; the left operand is what is found.
        ("export WITH/sentence ban", "A ban on exports. An export.", ["exports"]),
        ("export WITH/sentence ban WITH/sentence chip", "Ban chip exports. Ban exports.", ["exports"]),
        ("export WITH/paragraph ban", "A ban. The export.\n\nAn export.", ["export"]),
        ("export WITH/article ban", "Export.\n\nBan.", ["Export"]),
        ("export NOT WITH/sentence ban", "A ban on exports. An export.", ["export"]),
        ("export NOT WITH/article ban", "An export.\n\nA ban.", []),
        ("(sell~ NEAR/3 arms) NOT WITH/sentence shop", "sold arms in a shop. He sold them arms.",
         ["sold them arms"]),
        ("talks WITH/sentence talks", "talks about talks. Talks.", ["talks", "talks"]),
        # Regular expressions.
        ("/S-?[34]00/", "s-300, S400 and S-500", ["s-300", "S400"]),
        ("/S-?[34]00/c", "s-300, S400", ["S400"]),
        ("/[0-9]+ warheads?/ NEAR/5 treaty", "a treaty on 1550 warheads", ["treaty on 1550 warheads"]),
        ("tank | /T-[0-9]{2}/", "T-90 tanks", ["T-90", "tanks"]),
        ("/a\\/b/", "a/b", ["a/b"]),
    ],
)  # fmt: skip
def test_what_a_rule_finds(rule: str, text: str, found: list[str]) -> None:
    assert phrases(rule, text) == found


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        ("санкция", "Санкции, санкций, санкциями, санкционер", ["Санкции", "санкций", "санкциями"]),
        ("договор", "договора, договором, договориться", ["договора", "договором"]),
        ("ядерное оружие", "ядерного оружия и о ядерном оружии", ["ядерного оружия", "ядерном оружии"]),
        ("Совет Безопасности", "в Совете Безопасности", ["Совете Безопасности"]),
        ("вводить~", "вводит, вводили, вводный", ["вводит", "вводили"]),
        ("санкц*", "санкционный, антисанкционный", ["санкционный"]),
        ("*санкц*", "антисанкционный", ["антисанкционный"]),
        ('"НАТО"', "в НАТО", ["НАТО"]),
        ("запрет на ввоз", "запретом на ввоз", ["запретом на ввоз"]),
        ("отчёт", "отчета отчёту", ["отчета", "отчёту"]),
    ],
)
def test_russian_words_are_found_in_their_cases(rule: str, text: str, found: list[str]) -> None:
    assert phrases(rule, text, language="ru") == found


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        ("제재", "제재를 제재의 제재들은 제재", ["제재를", "제재의", "제재들은", "제재"]),
        ("제재", "경제제재 제재소", []),
        ("*제재*", "대북제재를", ["대북제재를"]),
        ("제재~", "제재했다 제재하는 제재된", ["제재했다", "제재하는", "제재된"]),
        ("외교 장관", "외교 장관은", ["외교 장관은"]),
        ("미사일 NEAR/2 발사~", "미사일을 어제 발사했다", ["미사일을 어제 발사했다"]),
        ("F-35", "F-35를", ["F-35를"]),
    ],
)
def test_korean_words_are_found_with_their_particles(rule: str, text: str, found: list[str]) -> None:
    assert phrases(rule, text, language="ko") == found


def test_a_list_stands_for_its_phrases() -> None:
    lists = {"place": ["Iran", "North Korea", "{bloc}"], "bloc": ["^EU"]}

    found = phrases("{place} (ambassador|envoy)", "Iran's ambassador, EU envoys, eu envoys", lists=lists)

    assert found == ["Iran's ambassador", "EU envoys"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ('"arms', "quotation mark at character 1 is never closed"),
        ('""', "nothing between"),
        ("(arms", "parenthesis is never closed"),
        ("arms)", "expected"),
        ("arms |", "missing before the end"),
        ("| arms", "missing before |"),
        ("NEAR/5 arms", "missing before NEAR/5"),
        ("arms NEAR/5", "missing before the end"),
        ("arms NEAR deal", "NEAR is no operator"),
        ("arms AND deal", "AND is no operator"),
        ("arms near/5 deal", "near/5 is no operator"),
        ("arms WITH/chapter deal", "WITH/chapter is no operator"),
        ("arms NEAR/1000 deal", "at most 100 words"),
        ("arms NEAR/" + "9" * 5000 + " deal", "characters"),
        ("{country} arms", "there is no list"),
        ("{country", "brace at character 1 is never closed"),
        ("arms?", "may only follow a group"),
        ("(arms)?", "everything in the phrase is optional"),
        ("ar*ms", "may only stand at the ends"),
        ("ar*", "a wildcard needs 3 letters"),
        ("*", "needs a letter or digit"),
        ("---", "needs a letter or digit"),
        ("sanction*~", "may only stand at the ends"),
        ("arms -control", "may not begin or end with a hyphen"),
        ("arms *control", "may only stand at the first word"),
        ("/(a/", "missing )"),
        ("/(?=a)b/", "no look-around"),
        ("/(a)\\1/", "no back-reference"),
        ("/x*/", "matches the empty text"),
        ("/((a{100}){100}){100}/", "repetition"),
        ("/" + "a" * 501 + "/", "501 characters"),
        ("/[a-z]{900}[a-z]{900}/", "too large"),
        ("/a/ b", "cannot be part of a phrase"),
        ("arms /a/", "cannot be part of a phrase"),
        ("(arms NEAR/3 deal) big", "cannot be part of a phrase"),
        ("(" * 30 + "arms" + ")" * 30, "nested more than 20"),
        ("word " * 21, "21 words"),
        ("arms " * 1000, "5000 characters"),
    ],
)
def test_a_bad_rule_is_refused_with_its_reason(rule: str, reason: str) -> None:
    with pytest.raises(RuleError, match=r"\w") as refused:
        parse_rule(rule, no_lists)

    assert reason in str(refused.value)


def test_an_operator_in_quotes_is_a_word() -> None:
    assert phrases('"AND"', "bread and butter") == ["and"]


def test_an_expression_that_hangs_a_backtracking_engine_is_harmless() -> None:
    assert phrases("/(a+)+b/", "a" * 50_000) == []
