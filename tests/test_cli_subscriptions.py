"""``sources import`` and ``sources export``: lists in and out, on both engines where the database decides."""

from __future__ import annotations

from typing import Any

import pytest

from service.cli.exits import Exit
from service.parse.opml import read_subscriptions
from tests.cli_home import Home, home, stored

__all__ = ["home", "stored"]

OPML = """<opml version="2.0" xmlns:ww="urn:wirewatch:opml:1"><body>
<outline text="Press"><outline text="Wires">
  <outline type="rss" text="One" xmlUrl="https://one.example/feed" htmlUrl="https://one.example/"
    ww:schedule="every 15m" ww:topics="sanctions"
    ww:options='{"prior.arms": -0.5, "day_first": true, "username": "me"}'/>
</outline></outline>
<outline text="Two &amp; more" xmlUrl="https://two.example/feed" ww:schedule="*/20 6-22 * * mon-fri"/>
</body></opml>"""


def listed(home: Home) -> dict[str, dict[str, Any]]:
    """The sources by their addresses, with what a list keeps of them."""
    kept = ("title", "group", "schedule", "options", "state")
    return {
        one["location"]: {name: one[name] for name in kept}
        for one in home.run("sources", "list", "--json").json
    }


def test_a_list_is_taken_in_with_groups_titles_and_schedules(home: Home) -> None:
    (home.folder / "list.opml").write_text(OPML, encoding="utf-8")
    result = home.run("sources", "import", "list.opml")

    assert (result.code, result.err) == (Exit.DONE, "")
    assert "2 feeds added, 0 listed again, 0 known already" in result.out
    found = listed(home)
    assert found["https://one.example/feed"] == {
        "title": "One",
        "group": "Press/Wires",
        "schedule": "every 15m",
        "options": {
            "day_first": True,
            "prior.sanctions": 1.0,
            "prior.arms": -0.5,
            "site_url": "https://one.example/",
        },
        "state": "active",
    }
    assert found["https://two.example/feed"]["title"] == "Two & more"
    assert found["https://two.example/feed"]["schedule"] == "*/20 6-22 * * mon-fri"
    assert "2 known already" in home.run("sources", "import", "list.opml").out


def test_what_goes_out_comes_in_again_without_loss(home: Home) -> None:
    (home.folder / "list.opml").write_text(OPML, encoding="utf-8")
    home.run("sources", "import", "list.opml")
    before = listed(home)
    assert home.run("sources", "export", "--output", "out.opml").code == Exit.DONE

    home.set(WIREWATCH_DATABASE=str(home.folder / "other.db"))
    assert home.run("sources", "import", "out.opml").code == Exit.DONE
    assert listed(home) == before
    printed = home.run("sources", "export")
    assert printed.out.encode() == (home.folder / "out.opml").read_bytes()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# mine\nhttps://a.example/f\n\nhttps://b.example/f\n", {"a": (None, None), "b": (None, None)}),
        (
            'https://a.example/f press "~A wire"\n"query:x:unread = \\"yes\\""\nhttps://b.example/f\n',
            {"a": ("A wire", "press"), "b": (None, None)},
        ),
    ],
)
def test_lines_and_newsboat(home: Home, text: str, wanted: dict[str, tuple[str | None, str | None]]) -> None:
    result = home.run("sources", "import", "-", stdin=text.encode())
    assert result.code == Exit.DONE
    found = {url: (one["title"], one["group"], one["schedule"]) for url, one in listed(home).items()}
    assert found == {f"https://{host}.example/f": (*one, "adaptive") for host, one in wanted.items()}


def test_the_starter_set_is_only_subscribed_when_asked_for(home: Home) -> None:
    home.run("migrate")
    assert listed(home) == {}
    assert home.run("sources", "import", "--starter").code == Exit.DONE
    found = listed(home)
    assert len(found) >= 20
    assert all(one["title"] and one["group"] for one in found.values())


def test_a_list_opens_no_private_network_by_itself(home: Home) -> None:
    text = OPML.replace('"username": "me"', '"allow_private": true')
    first = home.run("sources", "import", "-", stdin=text.encode())
    assert first.code == Exit.FAILED
    assert "--allow-private believes it" in first.err
    assert "allow_private" not in listed(home)["https://one.example/feed"]["options"]
    home.run("sources", "remove", "*", "--yes")
    assert home.run("sources", "import", "-", "--allow-private", stdin=text.encode()).code == Exit.DONE
    assert listed(home)["https://one.example/feed"]["options"]["allow_private"] is True


def test_what_is_wrong_in_a_list_costs_only_itself(home: Home) -> None:
    text = OPML.replace("every 15m", "whenever")
    result = home.run("sources", "import", "-", "--json", stdin=text.encode())
    assert result.code == Exit.FAILED
    assert result.json["added"] == 2
    (problem,) = result.json["problems"]
    assert "schedule cannot be 'whenever'" in problem["detail"]
    assert listed(home)["https://one.example/feed"]["schedule"] == "adaptive"


def test_secrets_are_not_handed_on(stored: Home) -> None:
    stored.run("sources", "add", "https://key.example/f", "--header", "X-Key: hunter2", "--no-check")
    result = stored.run("sources", "export")
    assert result.code == Exit.DONE
    assert "2 feeds are left out" in result.err
    assert "hunter2" not in result.out + result.err
    assert {one.url for one in read_subscriptions(result.out.encode())} == {
        "https://example.org/feed",
        "https://key.example/f",
    }


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        ([], b"", "name one file to import (- is standard input), or --starter"),
        (["x", "--starter"], b"", "name one file to import"),
        (["absent.opml"], b"", "absent.opml: cannot be read: No such file"),
        (["-"], b"", "-: empty:"),
        (["-"], b"<html><body>Log in</body></html>", "-: not_a_feed:"),
        (["-"], b"no address here", "-: not_a_feed:"),
    ],
)
def test_what_is_no_list(home: Home, arguments: list[str], stdin: bytes, said: str) -> None:
    result = home.run("sources", "import", *arguments, stdin=stdin)
    assert result.code == Exit.USAGE
    assert said in result.complaint
    assert not home.database.exists()


def test_an_export_that_cannot_be_written(stored: Home) -> None:
    result = stored.run("sources", "export", "--output", "absent/out.opml")
    assert result.code == Exit.USAGE
    assert "cannot be written" in result.complaint
