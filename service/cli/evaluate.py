"""``wirewatch evaluate``: how right the tags are, against articles that people have graded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Exit
from service.cli.output import count, hint, print_json, print_table, progress, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from rich.progress import Progress

    from service.tagging import Tagger
    from service.tagging.evaluate import Comparison, Error, Report, TopicReport
    from service.tagging.gold import GoldRow
    from service.values import Tag

_FIGURES = ("precision", "recall", "f1", "average_precision", "calibration_error")


@define(
    "evaluate",
    examples="""
    wirewatch evaluate --gold graded.jsonl
    wirewatch evaluate --gold graded.jsonl --topics new.toml --compare old.toml
    wirewatch evaluate --gold graded.jsonl --cross-validate --errors 0
    wirewatch evaluate --gold graded.jsonl --json | jq '.topics.sanctions.f1'
    """,
)
@click.option(
    "--gold",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="Graded articles, one JSON object a line: title, text, grades (0, 1, 2 or null by topic).",
)
@click.option(
    "--topics",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Measure this topics file, not the one in force.",
)
@click.option(
    "--compare",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with this topics file: what is mended, what is broken.",
)
@click.option(
    "--cross-validate",
    is_flag=True,
    help="Measure what was learned on articles that it was not learned from; takes minutes.",
)
@click.option(
    "--errors", type=click.IntRange(0), default=10, show_default=True, help="Errors to show of each topic."
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 1),
    metavar="0..1",
    help="Exit with 1 when the F1 of a topic is lower.",
)
@json_option
def command(
    state: State,
    *,
    gold: Path,
    topics: Path | None,
    compare: Path | None,
    cross_validate: bool,
    errors: int,
    fail_under: float | None,
    as_json: bool,
) -> int:
    """Measure how right the labels are, against graded articles.

    Prints for each topic precision, recall, F1, average precision and calibration, and the errors, the most
    confident first. A grade from 1 counts as carrying the topic; null is not scored. Nothing is stored.
    """
    if compare and cross_validate:
        raise click.UsageError("--compare and --cross-validate do not go together")
    from service.tagging.gold import read_gold  # noqa: PLC0415

    rows = read_gold(gold)
    own = topics or state.settings.topics.file
    comparison: Comparison | None = None
    if cross_validate:
        report = _cross_validated(own, rows)
    elif compare:
        comparison = _compared(compare, own, rows)
        report = comparison.after
    else:
        report = _measured(own, rows)
    if as_json:
        print_json(report.as_json() | (_comparison_json(comparison) if comparison else {}))
    else:
        _print(report, errors, comparison)
    low = [name for name, one in report.topics.items() if fail_under is not None and one.f1 < fail_under]
    if low:
        hint(f"F1 is below {fail_under:g} for {', '.join(low)}")
    return Exit.FAILED if low else Exit.DONE


def _measured(topics: Path | None, rows: Sequence[GoldRow]) -> Report:
    from service.tagging.evaluate import evaluate, tag_with  # noqa: PLC0415

    with progress() as display:
        return evaluate(rows, _told(display, tag_with(_tagger(topics)), len(rows)))


def _compared(before: Path, after: Path | None, rows: Sequence[GoldRow]) -> Comparison:
    from service.tagging.evaluate import compare, tag_with  # noqa: PLC0415

    with progress() as display:
        old, new = (
            _told(display, tag_with(_tagger(topics)), len(rows), name)
            for topics, name in ((before, "before"), (after, "after"))
        )
        return compare(rows, old, new)


def _cross_validated(topics: Path | None, rows: Sequence[GoldRow]) -> Report:
    from service.tagging.evaluate import cross_validate  # noqa: PLC0415

    with progress() as display:
        task = display.add_task("cross-validating", total=None)
        return cross_validate(
            _tagger(topics),
            rows,
            progress=lambda what: display.update(task, description=f"cross-validating {what}"),
        )


def _tagger(topics: Path | None) -> Tagger:
    from service.tagging import Tagger, load_topics  # noqa: PLC0415

    return Tagger(load_topics(topics))


def _told(
    display: Progress, tag: Callable[[GoldRow], Sequence[Tag]], total: int, what: str = "tagging"
) -> Callable[[GoldRow], Sequence[Tag]]:
    """The same way of tagging, with a bar that advances."""
    task = display.add_task(what, total=total)

    def told(row: GoldRow) -> Sequence[Tag]:
        tags = tag(row)
        display.advance(task)
        return tags

    return told


def _print(report: Report, errors: int, comparison: Comparison | None) -> None:
    how = "cross-validated" if report.cross_validated else "as they are tagged now"
    say(f"{count(report.articles, 'graded article')}, {how}")
    before = comparison.before.topics if comparison else {}
    print_table(
        [
            "TOPIC",
            ("ARTICLES", "right"),
            ("POSITIVE", "right"),
            *((name.replace("_", " ").upper(), "right") for name in _FIGURES),
        ],
        [_figures(one, before.get(name)) for name, one in report.topics.items()],
    )
    for note in report.notes:
        say(note)
    for name, one in report.topics.items():
        say("")
        _print_topic(name, one, errors)
    if comparison:
        for title, found in (("mended", comparison.mended), ("broken", comparison.broken)):
            say("")
            say(f"{title}: {count(len(found), 'answer')}")
            _print_errors([(error.topic, error) for error in found[:errors]], "TOPIC")


def _figures(report: TopicReport, before: TopicReport | None) -> list[str]:
    cells = [report.topic, str(report.scored), str(report.true_positives + report.false_negatives)]
    for name in _FIGURES:
        value = getattr(report, name)
        change = f" ({value - getattr(before, name):+.3f})" if before else ""
        cells.append(f"{value:.3f}{change}")
    return cells


def _print_topic(name: str, report: TopicReport, errors: int) -> None:
    say(
        f"{name}: {report.true_positives} right, {report.false_positives} given in error, "
        f"{report.false_negatives} missed, {report.true_negatives} rightly not given"
    )
    print_table(
        ["SCORE", ("ARTICLES", "right"), ("MEAN SCORE", "right"), ("SHARE RIGHT", "right")],
        [
            [
                f"{band.low:.1f} to {band.high:.1f}",
                str(band.count),
                f"{band.mean_score:.2f}",
                f"{band.share_right:.2f}",
            ]
            for band in report.reliability
        ],
    )
    if errors and report.errors:
        say("")
        shown = [("given" if error.false_positive else "missed", error) for error in report.errors[:errors]]
        _print_errors(shown, "ERROR")


def _print_errors(errors: Sequence[tuple[str, Error]], heading: str) -> None:
    if not errors:
        return
    print_table(
        [
            heading,
            ("SCORE", "right"),
            ("GRADE", "right"),
            "ID",
            ("TITLE", "wrap"),
            ("EVIDENCE", "wrap"),
            ("WHY", "wrap"),
        ],
        [
            [
                what,
                f"{error.score:.2f}",
                str(error.grade) + ("" if error.sure else "?"),
                error.id,
                error.title,
                ", ".join(error.evidence),
                error.why,
            ]
            for what, error in errors
        ],
    )


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    def brief(errors: Sequence[Error]) -> list[dict[str, Any]]:
        return [
            {
                "topic": one.topic,
                "id": one.id,
                "title": one.title,
                "score": round(one.score, 4),
                "grade": one.grade,
            }
            for one in errors
        ]

    return {
        "before": comparison.before.as_json(),
        "mended": brief(comparison.mended),
        "broken": brief(comparison.broken),
    }
