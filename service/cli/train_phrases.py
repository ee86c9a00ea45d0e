"""``wirewatch train phrases``: phrases that tell a topic's articles from others, for people to decide on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.completing import topic_names
from service.cli.graded import read_graded
from service.cli.output import count, hint, moment, print_json, print_table, progress, say
from service.cli.signing import signed_name
from service.cli.state import State, define, json_option
from service.errors import UsageError

if TYPE_CHECKING:
    from service.tagging import Taxonomy
    from service.tagging.gold import GoldRow
    from service.tagging.learned import Phrase
    from service.tagging.phrases import Proposal


@define(
    "phrases",
    examples="""
    wirewatch train phrases                                   those proposed, for one decision after the other
    wirewatch train phrases sanctions --accept 'price cap'    it is a rule from now on
    wirewatch train phrases sanctions --reject 'oil' --reject 'last week'
    wirewatch train phrases arms --accept 'toy fair' --weight -2
    wirewatch train phrases sanctions --forget 'price cap'    as if it had never been decided
    wirewatch train phrases --decided                         who accepted and rejected what
    """,
)
@click.argument("topic", required=False, metavar="[TOPIC]", shell_complete=topic_names)
@click.option("--accept", multiple=True, metavar="PHRASE", help="Make it a rule of the topic.")
@click.option("--reject", multiple=True, metavar="PHRASE", help="Do not propose it again.")
@click.option("--forget", multiple=True, metavar="PHRASE", help="Take back what was decided on it.")
@click.option(
    "--weight",
    type=click.FloatRange(-20, 20),
    help="Of what is accepted, in logits; as proposed, unless it is given.",
)
@click.option("--language", metavar="CODE", default="en", show_default=True, help="Of what is decided.")
@click.option("--by", metavar="NAME", help="Who says so; you, unless another is named.")
@click.option("--decided", "list_decided", is_flag=True, help="List what was decided.")
@click.option(
    "--gold",
    "gold_files",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Learn from graded articles, too.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=10, show_default=True, help="At most so many a topic."
)
@json_option
def phrases(
    state: State,
    *,
    topic: str | None,
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    forget: tuple[str, ...],
    weight: float | None,
    language: str,
    by: str | None,
    list_decided: bool,
    gold_files: tuple[Path, ...],
    limit: int,
    as_json: bool,
) -> None:
    """Accept or reject phrases as further rules of a topic.

    Proposed is what stands in articles whose verdicts the labels miss, ranked by how surely it separates
    them, with sentences. On a terminal you are asked about each. An accepted phrase is a rule from then on,
    and shows in the evidence; a rejected one is not proposed again.
    """
    desk = _Desk(state)
    if topic is not None:
        desk.check_topic(topic)
    if list_decided:
        _print_decided([one for one in desk.decided if topic in (None, one.topic)], as_json=as_json)
        return
    if accept or reject or forget:
        if topic is None:
            raise click.UsageError("--accept, --reject and --forget need a TOPIC")
        who = signed_name(by)
        proposed = desk.proposals(gold_files, topic, 500) if accept and weight is None else []
        weights = {one.phrase: one.weight for one in proposed if one.language == language}
        accept, reject, forget = (tuple(map(_plain, words)) for words in (accept, reject, forget))
        desk.forget(topic, language, forget)
        desk.decide(
            [desk.made(topic, language, one, weights.get(one, weight), who) for one in accept]
            + [desk.made(topic, language, one, 0.0, who, accepted=False) for one in reject]
        )
        desk.store()
        _print_decided([one for one in desk.decided if one.topic == topic], as_json=as_json)
        return
    found = desk.proposals(gold_files, topic, limit)
    if as_json:
        print_json([_proposal_json(one) for one in found])
    elif not found:
        hint("no phrase stands out; 'wirewatch label' and the page take verdicts, --gold graded articles")
    elif sys.stdin.isatty() and sys.stdout.isatty():
        _ask(desk, found, signed_name(by))
    else:
        _print_proposals(found)


def _plain(phrase: str) -> str:
    """A phrase as it is kept: in lower case, its words with a space between."""
    return " ".join(phrase.lower().replace("’", "'").split())


class _Desk:
    """What was decided, and what is to be decided, of one installation."""

    def __init__(self, state: State) -> None:
        from service.tagging.learned import read_phrases  # noqa: PLC0415

        folder = state.settings.topics.learned
        assert folder is not None, "settings that were loaded name one"
        self._state = state
        self._folder: Path = folder
        self.taxonomy: Taxonomy = state.taxonomy()
        self.decided: tuple[Phrase, ...] = read_phrases(folder)

    def check_topic(self, topic: str) -> None:
        """Refuse a topic that there is not."""
        names = [one.name for one in self.taxonomy.topics]
        if topic not in names:
            raise UsageError(f"there is no topic {topic!r}: the topics are {', '.join(names)}")

    def proposals(self, gold_files: Sequence[Path], topic: str | None, limit: int) -> list[Proposal]:
        """What is proposed, topic by topic."""
        from service.tagging import Tagger  # noqa: PLC0415
        from service.tagging.phrases import propose_phrases  # noqa: PLC0415

        graded = read_graded(gold_files, self._state.now).rows
        verdicts, others = self._material(needed=not graded)
        from service.training import starting_model  # noqa: PLC0415

        layer = starting_model(self.taxonomy, self._state.settings.topics.weights)
        tagger = Tagger(self.taxonomy, layer=layer)
        names = [one.name for one in self.taxonomy.topics] if topic is None else [topic]
        made = []
        with progress() as display:
            task = display.add_task("", total=len(names))
            for name in names:
                display.update(task, description=f"looking for phrases: {name}")
                done = [one.phrase for one in self.decided if one.topic == name]
                made += propose_phrases(
                    tagger, [*verdicts, *graded], name, others=others, limit=limit, decided=done
                )
                display.advance(task)
        return made

    def _material(self, *, needed: bool) -> tuple[Sequence[GoldRow], Sequence[GoldRow]]:
        place = self._state.settings.sqlite_path
        if not needed and place is not None and not place.exists():
            return (), ()
        with self._state.database():
            from service.training import material  # noqa: PLC0415

            found = material(self.taxonomy)
        return found.verdicts, found.others

    def made(
        self, topic: str, language: str, phrase: str, weight: float | None, by: str, *, accepted: bool = True
    ) -> Phrase:
        """A decision on a phrase; refused where it could not be a rule of the topic."""
        from service.tagging.learned import Phrase, check_phrase  # noqa: PLC0415
        from service.tagging.tree import RuleError  # noqa: PLC0415

        if weight is None:
            raise UsageError(f"{phrase!r} is not proposed for {topic}: --weight says what it counts")
        made = Phrase(topic, phrase, accepted, weight, language, by, moment(self._state.now) or "")
        try:
            check_phrase(made)
        except RuleError as error:
            raise UsageError(f"{phrase!r} cannot be decided on: {error}") from error
        covered = next(one for one in self.taxonomy.topics if one.name == topic)
        if not covered.covers(language):
            known = ", ".join(sorted(covered.languages))
            raise UsageError(f"{topic} has no rules for {language!r} (it has some for {known})")
        return made

    def decide(self, more: Sequence[Phrase]) -> None:
        """Take decisions in; nothing is written yet."""
        from service.tagging.learned import decided  # noqa: PLC0415

        self.decided = decided(self.decided, more)

    def forget(self, topic: str, language: str, words: Sequence[str]) -> None:
        """Leave decisions out; nothing is written yet."""
        for one in words:
            kept = tuple(
                phrase
                for phrase in self.decided
                if (phrase.topic, phrase.language, phrase.phrase) != (topic, language, one)
            )
            if len(kept) == len(self.decided):
                raise UsageError(f"nothing was decided on {one!r} for {topic} ({language})")
            self.decided = kept

    def store(self) -> None:
        """Write everything down."""
        from service.tagging.learned import write_phrases  # noqa: PLC0415

        try:
            write_phrases(self._folder, self.decided)
        except OSError as error:
            raise UsageError(
                f"{self._folder}: cannot be written: {error.strerror or error}; "
                "topics.learned names another folder"
            ) from error
        hint("a daemon takes it over by itself; else 'wirewatch retag' labels history again")


def _ask(desk: _Desk, found: Sequence[Proposal], by: str) -> None:
    """One decision after the other; each is kept as soon as it is made."""
    for number, one in enumerate(found, 1):
        say("")
        say(f"{number} of {len(found)}  {one.topic} ({one.language}): {one.phrase}  {one.weight:+.2f}")
        say(f"  in {count(one.articles_for, 'article')} said yes to, {one.articles_against:,} said no to")
        for example in one.examples:
            say(f"  … {example}")
        answer = click.prompt(
            "Accept, reject, skip or quit",
            type=click.Choice(["a", "r", "s", "q"], case_sensitive=False),
            default="s",
            err=True,
        )
        if answer == "q":
            return
        if answer != "s":
            weight, accepted = (one.weight, True) if answer == "a" else (0.0, False)
            desk.decide([desk.made(one.topic, one.language, one.phrase, weight, by, accepted=accepted)])
            desk.store()


def _print_proposals(found: Sequence[Proposal]) -> None:
    print_table(
        [
            "TOPIC",
            "LANGUAGE",
            "PHRASE",
            ("WEIGHT", "right"),
            ("YES", "right"),
            ("NO", "right"),
            ("EXAMPLE", "wrap"),
        ],
        [
            [
                one.topic,
                one.language,
                one.phrase,
                f"{one.weight:+.2f}",
                str(one.articles_for),
                str(one.articles_against),
                one.examples[0],
            ]
            for one in found
        ],
    )
    hint("'wirewatch train phrases TOPIC --accept PHRASE' (or --reject) decides on one")


def _print_decided(found: Sequence[Phrase], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "topic": one.topic,
                    "phrase": one.phrase,
                    "language": one.language,
                    "accepted": one.accepted,
                    "weight": one.weight,
                    "by": one.by,
                    "at": one.at,
                }
                for one in found
            ]
        )
    elif not found:
        hint("nothing is decided")
    else:
        print_table(
            ["TOPIC", "LANGUAGE", "PHRASE", "DECIDED", ("WEIGHT", "right"), "BY", "AT"],
            [
                [
                    one.topic,
                    one.language,
                    one.phrase,
                    "accepted" if one.accepted else "rejected",
                    f"{one.weight:+.2f}" if one.accepted else "-",
                    one.by,
                    one.at,
                ]
                for one in found
            ],
        )


def _proposal_json(one: Proposal) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "phrase": one.phrase,
        "language": one.language,
        "weight": one.weight,
        "yes": one.articles_for,
        "no": one.articles_against,
        "examples": list(one.examples),
    }
