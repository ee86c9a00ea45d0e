"""The daemon and a hub, as they meet: a real process, a real hub, a real feed."""

from __future__ import annotations

import queue
from pathlib import Path

from tests.daemon_process import DEADLINE, DaemonProcess, ask, wirewatch
from tests.hub import PUBLIC, Hub, form_of, rss
from tests.server import Reply, Request, Server
from tests.test_daemon import settings


def test_news_comes_from_a_hub_as_long_as_the_source_is_watched(tmp_path: Path) -> None:
    asked: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()

    def answer(request: Request) -> Reply:
        asked.put(form_of(request))
        return Reply(202)

    with Server() as server:
        feed = server.url("/feed")
        server.route("/feed", Reply(body=rss("one", hub=server.url("/hub"), topic=feed)))
        settings(
            tmp_path,
            f'url = "{feed}"\nallow_private = true',
            extra=f'[seeds]\nimport = false\n[websub]\ncallback_url = "{PUBLIC}"\n',
        )
        with DaemonProcess(tmp_path) as daemon:
            page = daemon.wait_line("serving the page on").split()[-1].rstrip("/")
            hub = Hub(server, page)
            server.route("/hub", answer)
            daemon.wait_line("feed: ok, 1 new")
            with hub.client:
                form = asked.get(timeout=DEADLINE)
                assert (form["hub.mode"], form["hub.topic"]) == ("subscribe", feed)
                assert hub.verify(form).status_code == 200
                assert hub.call(f"{PUBLIC}/").status_code == 421  # the page itself is not for the public name
                assert hub.deliver(form, rss("two"), secret="guess").status_code == 202
                daemon.wait_line("was ignored: its signature is wrong")
                assert hub.deliver(form, rss("two", "one")).status_code == 202
                daemon.wait_line(r"feed: pushed, 1 new, 0 changed of 2")
                assert wirewatch("sources", "pause", feed, home=tmp_path).returncode == 0
                leaving = asked.get(timeout=DEADLINE)
                assert leaving["hub.mode"] == "unsubscribe"
                assert hub.verify(leaving).status_code == 200
                assert hub.deliver(form, rss("three")).status_code == 410
            assert daemon.stop() == 0
    titles = {article["title"] for article in ask("articles", home=tmp_path)}
    assert titles == {"Council on one", "Council on two"}
    said = "".join(daemon.lines)
    assert form["hub.secret"] not in said
    assert form["hub.callback"].rpartition("/")[2] not in said
