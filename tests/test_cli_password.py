"""``wirewatch password``: from standard input to what is kept, and never from the command line."""

from __future__ import annotations

import stat
from pathlib import Path

from service import passwords
from service.cli.exits import Exit
from tests.cli_home import Home, home

__all__ = ["home"]


def test_a_password_is_read_from_standard_input(home: Home) -> None:
    found = home.run("password", stdin=b"correct horse\nnot this\n")
    assert found.code == Exit.DONE
    assert passwords.matches("correct horse", found.out.strip())
    assert "correct" not in found.out + found.err
    short = home.run("password", stdin=b"short\n")
    assert (short.code, short.out) == (Exit.USAGE, "")
    assert "8 to 1000 characters" in short.err


def test_it_is_written_where_only_its_owner_reads_it_and_settings_take_it(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "page-password"
    assert home.run("password", "--output", str(path), stdin=b"correct horse\n").code == Exit.DONE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = home.run("password", "--output", str(path), stdin=b"other horse\n")
    assert again.code == Exit.USAGE
    assert "File exists" in again.err
    assert passwords.matches("correct horse", path.read_text().strip())

    home.set(WIREWATCH_WEB_PASSWORD_FILE=str(path))
    shown = home.run("config", "--json")
    assert shown.code == Exit.DONE
    assert "scrypt" not in shown.out
    assert shown.json["settings"]["web.password"]["value"] == "***"
    home.set(WIREWATCH_WEB_PASSWORD_FILE="", WIREWATCH_WEB_PASSWORD="correct horse")
    wrong = home.run("config")
    assert wrong.code == Exit.USAGE
    assert "what 'wirewatch password' prints" in wrong.err
    assert "correct horse" not in wrong.err
