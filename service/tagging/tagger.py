"""From the places of the rules to tags: contributions, score, threshold, evidence.

A rule's hits count for what their place is worth (title, lead, text), repetition saturates, and the sum of
the rules' contributions, the topic's bias and the source's prior is the logit of the score. Evidence carries
each hit's share, so that ``bias + prior + sum(contributions)`` is the logit again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from threading import Lock
from typing import Final, TypeAlias

from service.tagging.layer import Asked, Layer, Ruling
from service.tagging.matcher import Found, Matcher, Reading
from service.tagging.script import language_of
from service.tagging.taxonomy import ANY_LANGUAGE, Saturation, Taxonomy, Topic
from service.values import Evidence, Tag

MAX_EVIDENCE = 20  # places shown of one rule
MAX_PRIOR = 20.0  # logits
_OVERFLOW = 700.0  # exp of more is no float


# A place in the folded article, the rule as written, and its share of the rule's contribution.
_Shown: TypeAlias = tuple[int, int, str, float]


class _FromTaxonomy:
    pass


_FROM_TAXONOMY: Final = _FromTaxonomy()


class Tagger:
    """Tags articles by a taxonomy. It keeps nothing between articles and may be shared by threads.

    Nothing is compiled before it is needed: a process that never tags an article, or none in Korean, pays
    nothing for it.
    """

    def __init__(self, taxonomy: Taxonomy, *, layer: Layer | _FromTaxonomy | None = _FROM_TAXONOMY) -> None:
        self.taxonomy = taxonomy
        self._layer = taxonomy.layer if isinstance(layer, _FromTaxonomy) else layer
        self._free = any(not topic.languages for topic in taxonomy.topics)
        self._languages = taxonomy.languages | ({ANY_LANGUAGE} if self._free else set())
        self._matchers: dict[str, Matcher] = {}
        self._compiling = Lock()

    def compile(self) -> None:
        """Compile the rules of all languages now. It is else done for a language's first article."""
        for language in sorted(self._languages):
            self._matcher(language)

    def _matcher(self, language: str) -> Matcher | None:
        """The rules for articles of a language; None where there are none."""
        if language not in self._languages:
            language = ANY_LANGUAGE
        matcher = self._matchers.get(language)
        if matcher is not None or language not in self._languages:
            return matcher
        with self._compiling:
            if language not in self._matchers:
                applying = (language, ANY_LANGUAGE)
                self._matchers[language] = Matcher(
                    language,
                    [rule for rule in self.taxonomy.rules if rule.language in applying],
                    [mask for mask in self.taxonomy.masks if mask.language in applying],
                )
            return self._matchers[language]

    def covers(self, language: str | None) -> bool:
        """Whether some topic can judge texts of a language; an unknown one (None, "und") may be covered."""
        code = _code(language)
        return code is None or code in self._languages or self._free

    def uncovered(self, tags: Iterable[Tag]) -> tuple[str, ...]:
        """The topics that are not among an article's tags: they have no rules for its language."""
        judged = {tag.topic for tag in tags}
        return tuple(topic.name for topic in self.taxonomy.topics if topic.name not in judged)

    def tag(
        self, title: str, text: str, *, language: str | None = None, priors: Mapping[str, float] | None = None
    ) -> tuple[Tag, ...]:
        """Every topic that covers the article's language, the best first.

        Args:
            title: plain text, may be empty.
            text: plain text, paragraphs separated by a blank line.
            language: ISO 639-1 (or a tag that begins with it); None or "und": told by the script.
            priors: logits to add by topic, as the article's source suggests.
        """
        rulings = self.judge(self.read(title, text, language=language), priors or {})
        tags = [
            Tag(ruling.topic.name, ruling.score, ruling.threshold, ruling.main, ruling.evidence)
            for ruling in rulings
        ]
        tags.sort(key=_best_first)
        return tuple(tags)

    def read(self, title: str, text: str, *, language: str | None = None) -> Reading:
        """An article with the places of every rule; the language "" is one that nothing covers."""
        code = _code(language)
        if code is None:
            code = language_of(title, text)
        matcher = self._matcher(code)
        if matcher is None:
            return Reading(title, text, code)
        return matcher.read(title, text, code)

    def judge(self, reading: Reading, priors: Mapping[str, float]) -> tuple[Ruling, ...]:
        """What rules and layer say of each topic that covers the article's language."""
        if self._layer is None:
            return self.rule(reading, priors)
        asked = []
        for topic in self._covering(reading.language):
            prior = _prior(topic, priors)
            asked.append(Asked(topic, prior, partial(_ruling, topic, reading, prior)))
        return self._layer.judge(reading, asked)

    def rule(self, reading: Reading, priors: Mapping[str, float]) -> tuple[Ruling, ...]:
        """What the rules alone say of each topic that covers the article's language, in the file's order."""
        topics = self._covering(reading.language)
        return tuple([_ruling(topic, reading, _prior(topic, priors)) for topic in topics])

    def _covering(self, language: str) -> list[Topic]:
        return [topic for topic in self.taxonomy.topics if topic.covers(language)]


def _best_first(tag: Tag) -> tuple[float, str]:
    return -tag.score, tag.topic


def _prior(topic: Topic, priors: Mapping[str, float]) -> float:
    """What a source adds to a topic's logit, bounded."""
    prior = priors.get(topic.name, 0.0)
    return max(-MAX_PRIOR, min(MAX_PRIOR, prior)) if math.isfinite(prior) else 0.0


def _code(language: str | None) -> str | None:
    """The primary subtag of a language tag (RFC 5646); None for an unknown language."""
    if not language:
        return None
    code = language.replace("_", "-").partition("-")[0].lower()
    return None if code in ("und", "mul", "zxx", "") else code


def logistic(logit: float) -> float:
    """The score of a logit."""
    return 1 / (1 + math.exp(-max(-_OVERFLOW, min(_OVERFLOW, logit))))


def _ruling(topic: Topic, reading: Reading, prior: float) -> Ruling:
    found = reading.found(topic.name)
    contributions: list[float] = []
    shown: list[_Shown] = []
    if found:
        damping = _damping(topic, reading)
        contributions = [_weigh(topic, reading.text_at, places, damping, shown) for places in found]
    # An exact sum: the order of the rules must not show, not even in the last bit.
    logit = math.fsum((topic.bias, prior, *contributions))
    score = logistic(logit)
    main = score >= max(topic.threshold, topic.main_threshold)
    return Ruling(topic, logit, prior, score, topic.threshold, main, _evidence(reading, shown))


def _evidence(reading: Reading, shown: list[_Shown]) -> tuple[Evidence, ...]:
    shown.sort()  # the title comes before the text
    evidence = []
    for start, end, rule, share in shown:
        field, begin, finish = reading.original(start, end)
        source = reading.title if field == "title" else reading.text
        evidence.append(Evidence(field, begin, finish, source[begin:finish], rule, share))
    return tuple(evidence)


def _damping(topic: Topic, reading: Reading) -> float:
    """What a hit in the text of a long article is worth; never more than 1."""
    if not topic.length_exponent:
        return 1.0
    words = max(1, reading.words_of_text())
    return float(min(1.0, (topic.length_reference / words) ** topic.length_exponent))


def _weigh(topic: Topic, text_at: int, places: Found, damping: float, shown: list[_Shown]) -> float:
    """A rule's contribution; adds its first places to those shown, which share the whole of it."""
    rule, spans = places
    title, lead_at, lead, text = (
        topic.title_factor,
        text_at + topic.lead,
        topic.lead_factor * damping,
        damping,
    )
    if rule.weight <= 0:
        # Evidence against a topic is neither damped nor lifted by its place in the text: else a longer text
        # could raise the score.
        lead = text = 1.0
    factors = []
    for start, _ in spans:
        factors.append(title if start < text_at else lead if start < lead_at else text)
    if len(factors) == 1:
        total = rule.weight * _saturated(rule.saturation, factors[0], factors[0])
        shown.append((*spans[0], rule.text, total))
        return total
    total = rule.weight * _saturated(rule.saturation, math.fsum(factors), max(factors))
    part = total / (math.fsum(factors[:MAX_EVIDENCE]) or 1.0)
    for (start, end), factor in zip(spans[:MAX_EVIDENCE], factors, strict=False):
        shown.append((start, end, rule.text, part * factor))
    return total


def _saturated(saturation: Saturation, count: float, largest: float) -> float:
    """What repetition makes of the sum of the places' factors and the largest of them."""
    match saturation.kind:
        case "log":
            return math.log2(1 + count)
        case "once":
            return largest
        case "cap":
            return min(count, saturation.cap)
    return count
