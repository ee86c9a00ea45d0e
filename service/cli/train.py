"""``wirewatch train``: what people said of articles moves the weights, where that makes the labels better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Exit
from service.cli.graded import read_graded
from service.cli.output import count, hint, print_json, print_table, progress, say
from service.cli.state import State, define, json_option
from service.cli.train_phrases import phrases
from service.errors import UsageError

if TYPE_CHECKING:
    from service.cli.graded import Graded
    from service.tagging.evaluate import Report
    from service.tagging.improve import Outcome
    from service.tagging.lessons import TopicOutcome
    from service.tagging.model import Model
    from service.training import Material


gold_option = click.option(
    "--gold",
    "gold_files",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Graded articles that must not come out worse, as for 'wirewatch evaluate'.",
)


@define(
    "train",
    examples="""
    wirewatch train --dry-run                what would be learned from the verdicts; nothing is written
    wirewatch train --gold graded.jsonl      … and graded articles must not come out worse
    wirewatch train --revert                 take the last training back
    wirewatch train phrases                  accept or reject phrases as further rules
    wirewatch train --anew --gold graded.jsonl --output weights.json
    """,
    cls=click.Group,
)
@gold_option
@click.option("--dry-run", is_flag=True, help="Only say what would be learned.")
@click.option("--revert", is_flag=True, help="Take the last training back.")
@click.option(
    "--anew",
    is_flag=True,
    help="Learn all weights from the graded articles alone, as those of the program were; takes minutes.",
)
@click.option(
    "--beside",
    "beside_files",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="With --anew: graded articles that teach, too, but measure nothing.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where --anew writes the weights, for the setting topics.weights.",
)
@json_option
def command(
    state: State,
    *,
    gold_files: tuple[Path, ...],
    dry_run: bool,
    revert: bool,
    anew: bool,
    beside_files: tuple[Path, ...],
    output: Path | None,
    as_json: bool,
) -> int:
    """Learn from the verdicts that people gave.

    The weights and thresholds that come with the program are moved by as much as the verdicts ask for. Each
    topic's are adopted only where verdicts that were held back come out better for it, beyond chance, and
    graded articles not worse; without such, only where few of the articles that nobody judged would change.
    The daemon takes over what was adopted, and labels history again, within seconds.
    """
    inner = click.get_current_context().invoked_subcommand
    if inner is not None:
        if gold_files or dry_run or revert or anew or beside_files or output or as_json:
            raise click.UsageError(f"options belong behind {inner!r}")
        return Exit.DONE
    if (anew or output) and not (anew and output and gold_files):
        raise click.UsageError("--anew, --gold and --output go together")
    if beside_files and not anew:
        raise click.UsageError("--beside goes with --anew")
    if revert + dry_run + anew > 1 or (revert and gold_files):
        raise click.UsageError("--revert, --dry-run and --anew do not go together")
    if revert:
        return _revert(state, as_json=as_json)
    graded = read_graded(gold_files, state.now)
    if anew:
        assert output is not None
        beside = read_graded(beside_files, state.now, measured=False)
        return _anew(state, graded, beside, output, as_json=as_json)
    return _learn(state, graded, dry_run=dry_run, as_json=as_json)


assert isinstance(command, click.Group)
command.invoke_without_command = True
command.add_command(phrases)


# -- from verdicts -----------------------------------------------------------------------------------------


def _learn(state: State, graded: Graded, *, dry_run: bool, as_json: bool) -> int:
    from service.tagging import Tagger  # noqa: PLC0415
    from service.tagging.improve import improve  # noqa: PLC0415

    taxonomy = state.taxonomy()
    with state.database():
        from service import training  # noqa: PLC0415

        learned = training.material(taxonomy)
    topics = state.settings.topics
    base = training.starting_model(taxonomy, topics.weights)
    before = training.learned_model(_folder(state))
    with progress() as display:
        task = display.add_task("reading", total=None)
        outcome = improve(
            Tagger(taxonomy),
            base,
            learned.verdicts,
            graded.rows,
            others=learned.others,
            priors=learned.priors,
            progress=lambda what: display.update(task, description=f"learning {what}"),
        )
    new = outcome.adopted and (before is None or before.version != outcome.model.version)
    place = _adopt(state, outcome.model) if new and not dry_run else None
    if as_json:
        print_json(_as_json(outcome, learned, graded, dry_run=dry_run, place=place))
        return Exit.DONE
    _print(outcome, learned, graded, dry_run=dry_run)
    if not outcome.adopted:
        hint("nothing was adopted" + ("; what was learned before stays in force" if before else ""))
    elif not new:
        hint("just these weights are in force already")
    elif dry_run:
        hint("nothing was written")
    else:
        say(f"adopted: {place}")
        hint("a daemon takes it over by itself; else 'wirewatch retag' labels history again")
    return Exit.DONE


def _folder(state: State) -> Path:
    folder = state.settings.topics.learned
    assert folder is not None, "settings that were loaded name one"
    return folder


def _adopt(state: State, model: Model) -> Path:
    from service.training import adopt  # noqa: PLC0415

    folder = _folder(state)
    try:
        return adopt(model, folder)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written: {error.strerror or error}; topics.learned names another folder"
        ) from error


def _revert(state: State, *, as_json: bool) -> int:
    from service.training import take_back  # noqa: PLC0415

    folder = _folder(state)
    try:
        done = take_back(folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror or error}") from error
    now = {True: "earlier learned", False: "original", None: "original"}[done]
    if as_json:
        print_json({"reverted": done is not None, "in_force": now})
    elif done is None:
        hint(f"nothing was learned here: there are no weights in {folder}")
    else:
        say(
            "the last training is taken back; in force are "
            + ("those before it" if done else "the original weights")
        )
        hint("a daemon takes it over by itself; else 'wirewatch retag' labels history again")
    return Exit.DONE


def _print(outcome: Outcome, learned: Material, graded: Graded, *, dry_run: bool) -> None:
    said = f"{count(learned.said, 'verdict')} on {count(len(learned.verdicts), 'article')}"
    gold = f"{count(len(graded.rows), 'graded article')}" if graded.rows else "no graded articles (--gold)"
    say(f"{said}; {gold}; {count(len(learned.others), 'article')} that nobody judged")
    if not outcome.topics:
        say("there is nothing to learn from: 'wirewatch label' and the page take verdicts")
        return
    print_table(
        [
            "TOPIC", "LANGUAGE", ("VERDICTS", "right"), ("AS SAID BEFORE", "right"), ("AFTER", "right"),
            ("GOLD F1 BEFORE", "right"), ("AFTER", "right"), ("OTHERS CHANGED", "right"),
            ("THRESHOLD", "right"), ("", "wrap"),
        ],
        [_row(one, dry_run=dry_run) for one in outcome.topics],
    )  # fmt: skip
    for one in outcome.topics:
        if one.unseen:
            articles = count(one.unseen, "article")
            say(
                f"{one.topic}: in {articles} with another verdict no rule finds anything that could teach; "
                "'wirewatch train phrases' may"
            )
    say("after: each article is judged by what was learned without it and its copies (5 folds)")


def _row(one: TopicOutcome, *, dry_run: bool) -> list[str]:
    moved = f"{one.threshold_before:.2f}"
    if round(one.threshold_before, 2) != round(one.threshold_after, 2):
        moved += f" → {one.threshold_after:.2f}"
    f1s = ["-" if f1 is None else f"{f1:.3f}" for f1 in (one.gold_f1_before, one.gold_f1_after)]
    adopted = "would be adopted" if dry_run else "adopted"
    return [
        one.topic,
        one.language,
        str(one.verdicts),
        f"{one.right_before} ({one.accuracy_before:.0%})",
        f"{one.right_after} ({one.accuracy_after:.0%})",
        *f1s,
        f"{one.others_changed} of {one.others}",
        moved,
        f"{adopted if one.adopted else 'not adopted'}: {one.reason}",
    ]


def _as_json(
    outcome: Outcome, learned: Material, graded: Graded, *, dry_run: bool, place: Path | None
) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "verdicts": learned.said,
        "articles": len(learned.verdicts),
        "graded_articles": len(graded.rows),
        "unjudged_articles": len(learned.others),
        "adopted": outcome.adopted,
        "written": None if place is None else str(place),
        "topics": [
            {
                "topic": one.topic,
                "language": one.language,
                "verdicts": one.verdicts,
                "accuracy_before": round(one.accuracy_before, 4),
                "accuracy_after": round(one.accuracy_after, 4),
                "mended": one.mended,
                "broken": one.broken,
                "gold_f1_before": None if one.gold_f1_before is None else round(one.gold_f1_before, 4),
                "gold_f1_after": None if one.gold_f1_after is None else round(one.gold_f1_after, 4),
                "unseen": one.unseen,
                "unjudged": one.others,
                "unjudged_changed": one.others_changed,
                "threshold_before": one.threshold_before,
                "threshold_after": one.threshold_after,
                "adopted": one.adopted,
                "reason": one.reason,
            }
            for one in outcome.topics
        ],
    }


# -- from graded articles alone ----------------------------------------------------------------------------


def _anew(state: State, graded: Graded, beside: Graded, output: Path, *, as_json: bool) -> int:
    from service.tagging import Tagger  # noqa: PLC0415
    from service.tagging.improve import train_measured  # noqa: PLC0415
    from service.tagging.learn import digest, save  # noqa: PLC0415
    from service.tagging.topics import load_rules  # noqa: PLC0415

    # Without what was learned here, so that the same files give the same weights everywhere.
    tagger = Tagger(load_rules(state.settings.topics.file))
    with progress() as display:
        task = display.add_task("reading", total=None)
        model, report = train_measured(
            tagger,
            [*graded.rows, *beside.rows],
            note={"data": digest(graded.original), "beside": digest(beside.original)},
            progress=lambda what: display.update(task, description=f"learning {what}"),
        )
    if not model.file.topics:
        raise UsageError("no topic has graded articles enough of both kinds to learn from")
    try:
        save(model, output)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror or error}") from error
    if as_json:
        print_json(report.as_json() | {"written": str(output)})
    else:
        _print_figures(report)
        say(f"written: {output}")
    return Exit.DONE


def _print_figures(report: Report) -> None:
    say(f"{count(report.articles, 'graded article')}, cross-validated")
    names = ("precision", "recall", "f1", "average_precision", "calibration_error")
    print_table(
        ["TOPIC", *((name.replace("_", " ").upper(), "right") for name in names)],
        [[topic, *(f"{getattr(one, name):.3f}" for name in names)] for topic, one in report.topics.items()],
    )
