"""The README's first command, exactly as it stands there, in a fresh clone with a fresh home."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent
MINUTES = 60.0


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="downloads everything anew; runs where CI=true")
def test_the_run_command_leaves_a_daemon_with_the_five_seeds_tagged(tmp_path: Path) -> None:
    (command,) = re.findall(
        r"<!-- run command -->\n```bash\n(.+)\n```", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    address = f"wirewatch-first-run-{os.getpid()}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WIREWATCH_", "XDG_"))}
    kept.pop("PYTHONPATH", None)
    environ = kept | {"HOME": str(home), "NOTIFY_SOCKET": f"@{address}", "WIREWATCH_WEB_PORT": "0"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{address}")
        manager.settimeout(10 * MINUTES)
        daemon = subprocess.Popen(
            ["bash", "-c", command], cwd=clone, env=environ, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            while b"READY=1" not in manager.recv(65536):
                pass
            listed = subprocess.run(
                [str(clone / ".venv/bin/wirewatch"), "articles", "--json"],
                cwd=tmp_path,
                env=environ,
                capture_output=True,
                text=True,
                check=True,
            )
            articles = json.loads(listed.stdout)
            assert len(articles) == 5
            for article in articles:
                assert {tag["topic"] for tag in article["tags"]} == {"sanctions", "arms", "diplomacy"}
            assert daemon.stderr is not None
            page = None
            while page is None:
                page = re.search(rb"serving the page on (\S+)", daemon.stderr.readline())
            with urllib.request.urlopen(page[1].decode()) as answer:
                assert answer.status == 200
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.communicate(timeout=MINUTES)
    assert daemon.returncode in (0, -signal.SIGTERM)  # bash itself ends by the signal, or with the daemon's 0
