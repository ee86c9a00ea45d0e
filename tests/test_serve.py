"""The page alone, a process: beside a daemon, on both engines, on a socket handed to it; it never writes."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from models import catalog, labels
from models.database import Database, open_database
from models.errors import DatabaseUnavailable, StorageError
from service.web.server import WebServer
from tests.daemon_process import DEADLINE, DaemonProcess, environment, wirewatch
from tests.storage import NOW, add_source, add_topics, article, store

ROOT = Path(__file__).resolve().parent.parent


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        return str(answer.read().decode())


def refused(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, data=b"" if method == "POST" else None, headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=DEADLINE)
    with caught.value:
        return caught.value.code, caught.value.read().decode()


def home_on(tmp_path: Path, address: str) -> Path:
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "wirewatch.toml").write_text(f"database = {json.dumps(address)}\n[web]\nport = 0\n")
    return tmp_path


def test_it_serves_what_is_stored_and_takes_no_verdict(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    add_topics()
    [number] = store(add_source(), article(1, "arms"))
    with DaemonProcess(home_on(tmp_path / "home", database_url), command="serve") as page:
        url = page.wait_line("serving the page on").split()[-1]
        assert page.wait_ready() == "serving 1 articles of 1 sources, read only"
        assert "Word 1" in fetch(url)
        shown = fetch(f"{url}articles/{number}")
        assert "Word 1" in shown
        assert "<form method" not in shown.partition("What do you say?")[2]
        assert "What do you say?" not in shown
        status, _ = refused(f"{url}articles/{number}/verdict", "POST", Origin=url.rstrip("/"))
        assert status == 404
        assert json.loads(fetch(f"{url}readyz"))["articles"] == 1
        assert "wirewatch_database_up 1.0" in fetch(f"{url}metrics")
        page.signal(signal.SIGHUP)
        page.wait_line("need a restart")
        assert page.stop() == 0
    assert labels.verdicts(article_id=number) == []


def test_it_stands_beside_a_daemon_and_sees_what_that_one_stores(tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    home = home_on(tmp_path / "home", str(tmp_path / "wirewatch.db"))
    with (home / "wirewatch.toml").open("a") as settings:
        settings.write(
            '[schedule]\ntick = "100ms"\nworkers = 1\n[folders]\nstill_for = "0s"\n'
            f'[[sources]]\npath = {json.dumps(str(folder))}\nschedule = "every 1s"\n'
        )
    with DaemonProcess(home, extra={"WIREWATCH_WEB_ENABLED": "false"}) as daemon:
        daemon.wait_ready()
        with DaemonProcess(home, command="serve") as page:
            url = page.wait_line("serving the page on").split()[-1]
            assert "Bonding Over Shared Love of Sanctions" in fetch(url)
            (folder / "report.txt").write_text("Rain in the North\n\nIt will rain until Sunday.\n")
            daemon.wait_line("inbox: ok, 1 new")
            assert "Rain in the North" in fetch(url)
            assert page.stop() == 0
        assert daemon.stop() == 0


def test_without_a_database_of_this_version_it_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "wirewatch.db"
    home = home_on(tmp_path / "home", str(path))
    done = wirewatch("serve", home=home)
    assert (done.returncode, path.exists()) == (4, False)
    assert "there is no database" in done.stderr
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE something (x)")
    done = wirewatch("serve", home=home)
    assert done.returncode == 4
    assert "has no schema yet" in done.stderr


def test_it_serves_on_the_socket_that_the_service_manager_opened(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    home = home_on(tmp_path / "home", str(migrated_sqlite))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        # As systemd does: the socket is descriptor 3, and the variables name the very process.
        start = f'exec 3<&{listening.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"'
        process = subprocess.Popen(
            ["bash", "-c", start, sys.executable, "-m", "service.cli", "serve"],
            cwd=home,
            env=environment(home) | {"PYTHONPATH": str(ROOT)},
            pass_fds=(listening.fileno(),),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            # The socket listens before the process does anything: the question waits for it.
            assert json.loads(fetch(f"http://127.0.0.1:{port}/readyz"))["status"] == "ready"
        finally:
            process.terminate()
            _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    assert f"serving the page on http://127.0.0.1:{port}/" in said


def test_a_database_opened_to_be_read_cannot_be_written(database: Database, database_url: str) -> None:
    add_topics()
    database.close()
    with pytest.raises(DatabaseUnavailable, match="no database"):
        open_database("/nonexistent/wirewatch.db", read_only=True)
    reading = open_database(database_url, read_only=True)
    try:
        assert catalog.counts() == {"arms": 0, "diplomacy": 0, "sanctions": 0}
        with pytest.raises(StorageError):
            add_source()
        with pytest.raises(StorageError), reading.transaction():
            reading.execute("DELETE FROM topic")
        assert catalog.status(NOW).sources == 0
    finally:
        reading.close()


def test_whether_the_event_loop_turns_is_known() -> None:
    entered, release = threading.Event(), threading.Event()

    async def blocking(_: object) -> PlainTextResponse:
        entered.set()
        release.wait(DEADLINE)  # on purpose: it holds up the whole loop
        return PlainTextResponse("done")

    server = WebServer(Starlette(routes=[Route("/", blocking)]), "127.0.0.1", 0)
    assert not server.turns(0.1)
    server.start()
    try:
        assert server.turns(DEADLINE)
        asking = threading.Thread(target=lambda: fetch(server.url))
        asking.start()
        assert entered.wait(DEADLINE)
        assert not server.turns(0.05)
        release.set()
        asking.join(DEADLINE)
        assert server.turns(DEADLINE)
    finally:
        release.set()
        server.stop(5)
    assert not server.turns(0.1)


def test_descriptors_meant_for_another_process_are_left_alone() -> None:
    program = (
        "import os; from service.systemd import inherited_sockets as given\n"
        "print([given({'LISTEN_FDS': '1', 'LISTEN_PID': pid}) for pid in ('1', '')],"
        " given({'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': 'many'}), given({}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[[], []] [] []\n"
