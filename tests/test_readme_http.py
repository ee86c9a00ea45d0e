"""What the README says to type for HTTP works as it stands there, against a real daemon."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.web.api.routes import OPERATIONS
from tests.daemon_process import DaemonProcess, environment

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENT = (ROOT / "service" / "web" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- http -->\n```bash\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Those of the README, one each, without their comments."""
    text = "\n".join(BLOCKS).replace("\\\n", " ")
    return [re.sub(r"  +# .*", "", line) for line in text.splitlines() if line]


def test_the_commands_of_the_readme_work(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    program = tmp_path / "bin" / "wirewatch"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m service.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    settings = {"WIREWATCH_WEB_PORT": "0", "WIREWATCH_SCHEDULE_WORKERS": "1"}
    environ = environment(tmp_path, settings) | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    said = []
    with DaemonProcess(tmp_path, extra=settings) as daemon:
        daemon.wait_ready()
        url = re.search(r"http://\S+", next(line for line in daemon.lines if "serving the page" in line))
        assert url is not None
        for line in commands():
            typed = line.replace("http://127.0.0.1:8077/", url[0]).replace("curl ", "curl --fail-with-body ")
            done = subprocess.run(
                ["bash", "-c", typed], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{typed}\n{done.stdout}\n{done.stderr}"
            said.append(done.stdout)
        assert daemon.stop() == 0
    assert len(said) == len(commands()) == 11
    found, article, line, changes, atom, rss = said[:6]
    assert json.loads(found)["articles"]
    assert json.loads(article)["tags"][0]["evidence"]
    assert json.loads(line)["articles"]
    assert len(json.loads(changes)["changes"]) == 5
    assert atom.count("<entry") == len(json.loads(found)["articles"])
    assert rss.count("<item>") >= 1
    assert json.loads(said[7])["by"] == "the token desk"
    assert oct((tmp_path / "desk.token").stat().st_mode)[-3:] == "600"


def test_every_address_stands_in_the_document() -> None:
    for one in OPERATIONS:
        if one.path:
            assert one.path in DOCUMENT, one.path


def test_every_link_of_the_document_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", DOCUMENT):
        assert (ROOT / "service" / "web" / target).exists(), target
