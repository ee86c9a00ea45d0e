"""``wirewatch evaluate``: how right the tags are, against articles that people have graded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from service.cli.exits import Exit
from service.cli.graded import read_graded
from service.cli.output import count, hint, print_json, print_table, progress, say
from service.cli.state import State, define, json_option

if TYPE_CHECKING:
    from rich.progress import Progress

    from service.cli.graded import Graded
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
    help="Learn anew from a part of the articles and measure on the rest, in turn; takes minutes.",
)
@click.option(
    "--fitted",
    is_flag=True,
    help="Measure also articles that the weights were learned from as they are tagged now.",
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
    fitted: bool,
    errors: int,
    fail_under: float | None,
    as_json: bool,
) -> int:
    """Measure how right the labels are, against graded articles.

    They are cleaned as they would be when they come in. Prints for each topic precision, recall, F1, average
    precision and calibration, and the errors, the most confident first. A grade from 1 counts as carrying the
    topic; null is not scored. Where the weights were learned from the very articles, the figures are those
    that were cross-validated then. Nothing is stored.
    """
    if sum((compare is not None, cross_validate, fitted)) > 1:
        raise click.UsageError("--compare, --cross-validate and --fitted do not go together")
    graded = read_graded([gold], state.now)
    comparison: Comparison | None = None
    shown: _Shown
    if compare:
        comparison = _compared(state, compare, topics, graded)
        shown = _Shown(comparison.after)
    elif cross_validate:
        shown = _Shown(_cross_validated(state, topics, graded))
    else:
        shown = _measured(state, topics, graded, fitted=fitted)
    report = shown.report
    if as_json:
        more = {"fitted": shown.fitted.as_json()} if shown.fitted else {}
        print_json(report.as_json() | more | (_comparison_json(comparison) if comparison else {}))
    else:
        _print(report, errors, comparison)
        if shown.fitted:
            _print_fitted(shown.fitted)
    low = [name for name, one in report.topics.items() if fail_under is not None and one.f1 < fail_under]
    if low:
        hint(f"F1 is below {fail_under:g} for {', '.join(low)}")
    return Exit.FAILED if low else Exit.DONE


class _Shown(NamedTuple):
    report: Report
    fitted: Report | None = None  # on the articles that the weights were learned from


def _measured(state: State, topics: Path | None, graded: Graded, *, fitted: bool) -> _Shown:
    """As they are tagged now; what the weights were learned from is told apart, unless it is asked for."""
    from service.tagging import Tagger  # noqa: PLC0415
    from service.tagging.evaluate import evaluate, tag_with  # noqa: PLC0415
    from service.tagging.model import Model  # noqa: PLC0415
    from service.tagging.provenance import learned_from, recorded  # noqa: PLC0415

    taxonomy = state.taxonomy(topics)
    model = taxonomy.layer if isinstance(taxonomy.layer, Model) else None
    known = learned_from(model, graded.original, graded.rows)
    fresh = [row for row, is_known in zip(graded.rows, known, strict=True) if not is_known]
    rows = fresh if fresh and not fitted else graded.rows
    with progress() as display:
        report = evaluate(rows, _told(display, tag_with(Tagger(taxonomy)), len(rows)))
    number = len(graded.rows) - len(fresh)
    if not number:
        return _Shown(report)
    learned = f"the weights were learned from {number:,} of these {len(graded.rows):,} articles"
    if fitted:
        return _Shown(_noted(report, f"{learned}: on them the figures are far too good"))
    if fresh:
        return _Shown(_noted(report, f"{learned}; those are left out here"))
    told = recorded(model) if model else None
    if told is None:
        return _Shown(
            _noted(report, f"{learned}: on them the figures are far too good; see --cross-validate")
        )
    anew = "--cross-validate measures anew, which takes minutes, and shows the errors"
    return _Shown(_noted(told, learned, anew), report)


def _noted(report: Report, *notes: str) -> Report:
    return replace(report, notes=(*notes, *report.notes))


def _compared(state: State, before: Path, after: Path | None, graded: Graded) -> Comparison:
    from service.tagging import Tagger  # noqa: PLC0415
    from service.tagging.evaluate import compare, tag_with  # noqa: PLC0415

    with progress() as display:
        old, new = (
            _told(display, tag_with(Tagger(state.taxonomy(topics))), len(graded.rows), name)
            for topics, name in ((before, "before"), (after, "after"))
        )
        return compare(graded.rows, old, new)


def _cross_validated(state: State, topics: Path | None, graded: Graded) -> Report:
    from service.tagging import Tagger  # noqa: PLC0415
    from service.tagging.evaluate import FOLDS, cross_validate  # noqa: PLC0415
    from service.tagging.model import LANGUAGE  # noqa: PLC0415

    rows = [row for row in graded.rows if row.language == LANGUAGE]
    tagger = Tagger(state.taxonomy(topics))
    with progress() as display:
        total = FOLDS * len(tagger.taxonomy.topics)
        task = display.add_task("reading the articles", total=total, completed=-1)

        def told(what: str) -> None:
            display.update(task, description=f"cross-validating {what}", advance=1)
            if display.disable:
                hint(f"cross-validating {what}")

        report = cross_validate(tagger, rows, progress=told)
    others = len(graded.rows) - len(rows)
    return _noted(report, f"{others:,} articles in other languages are left out") if others else report


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


def _print_fitted(report: Report) -> None:
    say("")
    say("As these articles are tagged now; they taught it, so that this only shows that all is in order:")
    print_table(
        ["TOPIC", *((name.replace("_", " ").upper(), "right") for name in _FIGURES)],
        [[name, *(f"{getattr(one, name):.3f}" for name in _FIGURES)] for name, one in report.topics.items()],
    )


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
