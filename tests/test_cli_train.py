"""``train``: fifty verdicts that contradict the labels, from the command line to what articles carry."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from service.cli.exits import Exit
from service.tagging.gold import GoldRow
from tests.cli_home import Home, home
from tests.daemon_process import DaemonProcess, ask
from tests.graded_samples import TOPICS, contrary, rows
from tests.test_daemon import settings

__all__ = ["home"]

FERRY = b"Ferry timetable of the lake line\n\nThe ferry ship leaves the harbour. Passengers of the ferry pay."


def gold(path: Path, graded: list[GoldRow]) -> str:
    """A gold file; gives its name."""
    keys = ("id", "title", "text", "grades", "sure")
    lines = [json.dumps({key: getattr(row, key) for key in keys}) for row in graded]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path.name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `ships` keeps the database and the weights that it makes once."""
    return tmp_path_factory.mktemp("ships")


@pytest.fixture
def ships(home: Home, made: Path) -> Home:
    """A home with the topic "ships", its weights, sixty articles, and verdicts on fifty of them: what is
    about ferries is not to be called ships here."""
    home.set(WIREWATCH_SCHEDULE_WORKERS="1", WIREWATCH_TOPICS_FILE="topics.toml")
    (home.folder / "topics.toml").write_text(TOPICS, encoding="utf-8")
    gold(home.folder / "gold.jsonl", rows())
    if not (made / "weights.json").exists():
        gold(home.folder / "more.jsonl", rows(20, seed=3))
        made_here = ("--output", str(made / "weights.json"))
        done = home.run("train", "--anew", "--gold", "gold.jsonl", "--beside", "more.jsonl", *made_here)
        assert done.code == Exit.DONE, done.err
        assert "60 graded articles, cross-validated" in done.out
    home.set(WIREWATCH_TOPICS_WEIGHTS=str(made / "weights.json"))
    if not (made / "wirewatch.db").exists():
        _fill(home)
        shutil.copyfile(home.database, made / "wirewatch.db")
    home.database.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made / "wirewatch.db", home.database)
    return home


def _fill(home: Home) -> None:
    said = contrary(60)
    documents = home.folder / "documents"
    documents.mkdir()
    for number, row in enumerate(said):
        (documents / f"{number:02}.txt").write_text(f"{row.title}\n\n{row.text}\n", encoding="utf-8")
    assert home.run("import", "documents").code == Exit.DONE
    stored = home.run("articles", "--limit", "100", "--json").json
    for article in sorted(stored, key=lambda one: one["path"])[:50]:
        yes = said[int(Path(article["path"]).stem)].grades["ships"]
        assert home.run("label", str(article["id"]), f"{'+' if yes else '-'}ships").code == Exit.DONE


def explained(home: Home, text: bytes = FERRY) -> dict[str, object]:
    """What ``explain`` says of a text."""
    tag: dict[str, object] = home.run("explain", "-", "--json", stdin=text).json[0]["tags"][0]
    return tag


def carrying(home: Home) -> int:
    return len(home.run("articles", "--topic", "ships", "--limit", "100", "--json").json)


def test_fifty_verdicts_are_learned_adopted_and_taken_back(ships: Home) -> None:
    before = ships.run("topics", "--json").json
    assert explained(ships)["holds"]
    dry = ships.run("train", "--gold", "gold.jsonl", "--dry-run")
    assert (dry.code, "nothing was written" in dry.err) == (Exit.DONE, True)
    assert "50 verdicts on 50 articles; 60 graded articles; 10 articles that nobody judged" in dry.out
    assert "would be adopted: verdicts held back come out better" in dry.out
    assert explained(ships)["holds"]

    done = ships.run("train", "--gold", "gold.jsonl", "--json").json

    (topic,) = done["topics"]
    assert done["adopted"]
    assert done["written"] == f"{ships.database}.learned/weights.json"
    assert (topic["topic"], topic["verdicts"]) == ("ships", 50)
    assert topic["accuracy_after"] >= topic["accuracy_before"] + 0.3
    assert topic["gold_f1_after"] >= topic["gold_f1_before"]
    assert topic["mended"] > topic["broken"] == 0
    assert not explained(ships)["holds"]
    assert carrying(ships) == 25 + 10
    assert ships.run("retag", "--json").json["topics"]["ships"]["lost"] == 5  # the ferries nobody judged
    assert carrying(ships) == 25 + 5
    told = ships.run("topics")
    assert "weights learned here from 50 articles with verdicts" in told.err
    assert "run 'wirewatch train' again" not in told.err
    again = ships.run("train", "--gold", "gold.jsonl")
    assert "just these weights are in force already" in again.err

    assert "the original weights" in ships.run("train", "--revert").out
    assert explained(ships)["holds"]
    assert "nothing was learned here" in ships.run("train", "--revert").err
    assert ships.run("retag", "--json").json["topics"]["ships"]["gained"] == 5
    assert ships.run("topics", "--json").json == before


def test_weights_that_start_from_others_are_told(ships: Home, made: Path) -> None:
    """As after an upgrade of the program."""
    assert "adopted: " in ships.run("train").out
    file = json.loads((made / "weights.json").read_text(encoding="utf-8"))
    file["topics"]["ships"]["bias"] -= 0.5
    file["topics"]["ships"]["threshold"] = 0.4
    (ships.folder / "newer.json").write_text(json.dumps(file), encoding="utf-8")
    ships.set(WIREWATCH_TOPICS_WEIGHTS="newer.json")

    assert "they start from other weights" in ships.run("topics").err

    assert "adopted: " in ships.run("train").out
    assert "they start from other weights" not in ships.run("topics").err
    ships.run("train", "--revert")
    ships.run("train", "--revert")
    assert ships.run("topics", "--json").json[0]["threshold"] == 0.4
    assert "learned here" not in ships.run("topics").err


def test_a_second_training_can_be_taken_back_alone(ships: Home) -> None:
    assert ships.run("train").code == Exit.DONE
    first = explained(ships)
    ships.run("label", "1", "~ships")
    ships.run("label", "3", "~ships")
    assert "adopted: " in ships.run("train").out
    assert explained(ships) != first
    assert "those before it" in ships.run("train", "--revert").out
    assert explained(ships) == first


def test_verdicts_against_the_gold_change_nothing(ships: Home) -> None:
    against = [replace(row, grades={"ships": 1}) for row in contrary(200)[60:]]
    name = gold(ships.folder / "against.jsonl", against)
    done = ships.run("train", "--gold", name, "--json").json
    assert (done["adopted"], done["written"]) == (False, None)
    assert done["topics"][0]["reason"] == "graded articles would come out worse"
    assert explained(ships)["holds"]
    assert not Path(f"{ships.database}.learned").exists()


def test_a_phrase_is_proposed_accepted_and_seen_in_the_evidence(ships: Home) -> None:
    listed = ships.run("train", "phrases", "--json").json
    phrase = listed[0]["phrase"]
    assert listed[0]["weight"] < 0
    assert (listed[0]["yes"], listed[0]["no"]) == (0, 25) or listed[0]["no"] > 15
    assert listed[0]["examples"]
    shown = ships.run("train", "phrases", "ships")
    assert phrase in shown.out
    assert "--accept PHRASE" in shown.err

    other = listed[1]["phrase"]
    arguments = ("ships", "--accept", phrase.title(), "--reject", other, "--by", "ann")
    taken = ships.run("train", "phrases", *arguments)
    assert taken.code == Exit.DONE
    (article,) = [one for one in [*range(2, 61, 2)] if phrase in ships.run("show", str(one)).out.lower()][:1]
    assert f'"{phrase}"' not in ships.run("show", str(article)).out
    assert ships.run("retag").code == Exit.DONE
    assert f'"{phrase}"' in _evidence(ships, article)
    proposed = {one["phrase"] for one in ships.run("train", "phrases", "--json").json}
    assert not proposed & {phrase, other}
    decided = ships.run("train", "phrases", "--decided", "--json").json
    assert [(one["phrase"], one["accepted"], one["by"]) for one in decided] == [
        (phrase, True, "ann"),
        (other, False, "ann"),
    ]

    assert ships.run("train", "phrases", "ships", "--forget", phrase).code == Exit.DONE
    assert f'"{phrase}"' not in str(explained(ships))
    assert phrase in {one["phrase"] for one in ships.run("train", "phrases", "--json").json}


def _evidence(home: Home, article: int) -> set[str]:
    text = home.run("show", str(article), "--json").json
    source = f"{text['title']}\n\n{text['text']}".encode()
    (reading,) = home.run("explain", "-", "--json", stdin=source).json
    return {item["rule"] for tag in reading["tags"] for item in tag["evidence"]}


def test_an_accepted_phrase_gives_the_topic(home: Home) -> None:
    """With the topics of the program: stored, shown and told by ``explain``, without any verdict."""
    home.set(WIREWATCH_SCHEDULE_WORKERS="1")
    (home.folder / "note.txt").write_text(
        "Old tankers at sea\n\nThe phantom convoy sailed at dusk. Nobody knows who owns the phantom convoy.",
        encoding="utf-8",
    )
    assert home.run("import", "note.txt").code == Exit.DONE
    taken = home.run("train", "phrases", "sanctions", "--accept", "phantom convoy", "--weight", "6", "--json")
    assert [one["phrase"] for one in taken.json] == ["phantom convoy"]
    assert home.run("retag", "--json").json["topics"]["sanctions"]["gained"] == 1

    shown = home.run("show", "1", "--json").json

    (tag,) = [tag for tag in shown["tags"] if tag["topic"] == "sanctions"]
    found = [one["phrase"] for one in tag["evidence"] if one["rule"] == '"phantom convoy"']
    assert found == ["phantom convoy"] * 2
    assert "«phantom convoy»" in home.run("show", "1").out
    assert '"phantom convoy"' in home.run("explain", "note.txt").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--anew"], Exit.USAGE, "--anew, --gold and --output go together"),
        (["--beside", "gold.jsonl"], Exit.USAGE, "--beside goes with --anew"),
        (["--output", "x"], Exit.USAGE, "--anew, --gold and --output go together"),
        (["--revert", "--dry-run"], Exit.USAGE, "do not go together"),
        (["--gold", "nowhere.jsonl"], Exit.USAGE, "nowhere.jsonl: cannot be read"),
        (["--dry-run", "phrases"], Exit.USAGE, "options belong behind 'phrases'"),
        (
            ["phrases", "trains"],
            Exit.USAGE,
            "there is no topic 'trains': the topics are sanctions, arms",
        ),
        (["phrases", "--accept", "x"], Exit.USAGE, "need a TOPIC"),
        (["phrases", "arms", "--accept", "(x", "--weight", "1"], Exit.USAGE, "'(x' cannot be decided on"),
        (["phrases", "arms", "--forget", "x"], Exit.USAGE, "nothing was decided on 'x' for arms (en)"),
        (["phrases", "arms", "--reject", "x", "--language", "fr"], Exit.USAGE, "arms has no rules for 'fr'"),
        ([], Exit.DATABASE, "there is no database"),
        (["phrases"], Exit.DATABASE, "there is no database"),
    ],
)
def test_what_cannot_be_done_is_said(home: Home, arguments: list[str], code: Exit, said: str) -> None:
    result = home.run("train", *arguments)
    assert result.code == code
    assert said in result.complaint


def test_a_phrase_that_is_not_proposed_needs_a_weight(ships: Home) -> None:
    result = ships.run("train", "phrases", "ships", "--accept", "yellow submarine")
    assert result.code == Exit.USAGE
    assert "'yellow submarine' is not proposed for ships: --weight" in result.complaint


def test_without_verdicts_there_is_nothing_to_learn(home: Home) -> None:
    assert home.run("migrate").code == Exit.DONE
    result = home.run("train")
    assert (result.code, "nothing was adopted" in result.err) == (Exit.DONE, True)
    assert "there is nothing to learn from" in result.out
    assert home.run("train", "phrases").err.startswith("no phrase stands out")


def test_a_folder_that_cannot_be_written_is_said(ships: Home) -> None:
    (ships.folder / "file").write_text("", encoding="utf-8")
    ships.set(WIREWATCH_TOPICS_LEARNED="file/learned")
    result = ships.run("train", "--gold", "gold.jsonl")
    assert result.code == Exit.USAGE
    assert "cannot be written" in result.complaint


def test_a_daemon_takes_over_what_was_learned(tmp_path: Path) -> None:
    settings(tmp_path)
    learned = tmp_path / "data" / "wirewatch" / "wirewatch.db.learned"
    accept = ("train", "phrases", "arms", "--accept", "nothing of the kind", "--weight", "1")
    with DaemonProcess(tmp_path) as daemon:
        daemon.wait_ready()
        ask(*accept, home=tmp_path)
        daemon.wait_line("topics are now those of the program")
        daemon.wait_line("labelled 5 articles again")
        (learned / "phrases.json").write_text("{", encoding="utf-8")
        daemon.wait_line("what was learned is not taken over, the topics stay as they were")
        assert daemon.stop() == 0
    none = {"WIREWATCH_TOPICS_LEARNED": str(tmp_path / "none")}
    done = ask("retag", "--dry-run", home=tmp_path, extra=none)
    assert done["articles"] == 5  # those in the database were labelled with the phrase
