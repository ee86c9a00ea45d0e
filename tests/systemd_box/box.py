"""Wheels of several versions, and the box that they are installed in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SYSTEM_PYTHON = "/usr/bin/python3"
BOOT_FAILED = 125
_MIGRATION = '''
"""A change of the schema that a later version might make."""


def up(migrator, db):
    db.execute_sql("CREATE TABLE of_version_{number} (x INTEGER)")
'''
_BROKEN = "        raise RuntimeError('this version never becomes ready')\n"
_BEFORE_READY = "        application = self._application\n        self._give_back_dead_leases()\n"


def missing() -> str | None:
    """Why no box can be booted here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("systemd-nspawn", "dbus-daemon", "systemd-analyze", "setpriv"):
        if shutil.which(program) is None:
            return f"needs {program} (apt-get install systemd-container dbus)"
    if not Path(SYSTEM_PYTHON).exists():
        return f"needs {SYSTEM_PYTHON}"
    return None


def make_wheels(folder: Path) -> None:
    """Wheels of every dependency for the system's Python, and of the versions 0.1.0, 0.2.0 and 0.3.0."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        _run(SYSTEM_PYTHON, "-m", "venv", str(work / "pip"))
        for number in (1, 2, 3):
            _build(folder, work / f"source{number}", number)
        python, wheel = work / "pip" / "bin" / "python", folder / "wirewatch-0.1.0-py3-none-any.whl"
        options = ("--disable-pip-version-check", "download", "--quiet", "--prefer-binary")
        _run(str(python), "-m", "pip", *options, "--dest", str(folder), str(wheel))


def _build(folder: Path, source: Path, number: int) -> None:
    ignored = shutil.ignore_patterns("__pycache__", ".*", "tests")
    shutil.copytree(ROOT, source, ignore=ignored)
    project = source / "pyproject.toml"
    text = re.sub(r'(?m)^version = ".*"$', f'version = "0.{number}.0"', project.read_text(), count=1)
    project.write_text(text)
    for later in range(2, number + 1):
        migration = source / "models" / "migrations" / f"90{later:02}_of_a_later_version.py"
        migration.write_text(_MIGRATION.format(number=later))
    if number == 3:
        daemon = source / "service" / "daemon.py"
        assert daemon.read_text().count(_BEFORE_READY) == 1
        daemon.write_text(daemon.read_text().replace(_BEFORE_READY, _BROKEN + _BEFORE_READY))
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source))


def boot(script: Path, wheels: Path) -> tuple[int, str]:
    """Boot the box and run a script in it; gives its exit code and what it printed."""
    done = subprocess.run(
        [
            str(HERE / "boot.sh"),
            str(script),
            f"--bind-ro={wheels}:/mnt/wheels",
            f"--bind-ro={ROOT / 'deploy'}:/mnt/deploy",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=1_900,
    )
    return done.returncode, done.stdout


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
