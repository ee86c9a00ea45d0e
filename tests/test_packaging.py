"""The wheel, built and installed without the source beside it, does the whole job from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("wirewatch-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script of a clean environment that holds the wheel and its run-time dependencies only."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home, with_pip=False)
    # The dependencies are those of this environment, by path; the project itself comes from the wheel alone:
    # a second download of everything would test the index, not the wheel.
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    script = home / "bin" / "wirewatch"
    script.write_text(
        # As installers write it; the guard matters, because worker processes import the main module anew.
        f"#!{home / 'bin' / 'python'}\nimport sys\nfrom service.cli import main\n"
        "if __name__ == '__main__':\n    sys.exit(main())\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return script


def _run(script: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WIREWATCH_")}
    environ |= {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), "PYTHONSAFEPATH": "1"}
    environ.pop("PYTHONPATH", None)
    return subprocess.run(
        [str(script), *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_what_a_run_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/", 1)[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"service", "models", "seeds"}
    for needed in (
        "service/tagging/topics.toml",
        "seeds/000_2dcaed26a21db46b.txt",
        "seeds/004_eb6d2180a00fb0b2.txt",
    ):
        assert needed in names
    assert any(name.startswith("models/migrations/") and name.count("/") == 2 for name in names)
    assert any(name.startswith("service/web/templates/") for name in names)
    assert any(name.startswith("service/web/static/") for name in names)


def test_the_console_script_is_declared(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entry_points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert "wirewatch = service.cli:main" in archive.read(entry_points).decode()


def test_it_imports_from_the_wheel_and_not_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    python = installed.parent / "python"
    done = subprocess.run(
        [str(python), "-P", "-c", "import service, models, seeds; print(service.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(installed.parent.parent) in done.stdout


def test_the_seeds_are_imported_and_answered_from_another_folder(installed: Path, tmp_path: Path) -> None:
    done = _run(installed, "import", "--seeds", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    listed = _run(installed, "articles", "--topic", "sanctions", "--json", folder=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert len(json.loads(listed.stdout)) == 5
