"""What lies in deploy/: units that systemd accepts, as closed as they say, as README and program have it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from service.cli.exits import Exit
from service.cli.group import COMMANDS
from service.settings_schema import Schedule, all_settings, variable

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
README = (DEPLOY / "README.md").read_text(encoding="utf-8")
SYSTEMD = DEPLOY / "systemd"
SERVICES = sorted(path.name for path in SYSTEMD.glob("*.service"))
PROGRAM = "/opt/wirewatch/current/bin/wirewatch"
# The score of `systemd-analyze security` that the README states, times ten.
SCORES = {"wirewatch.service": 10, "wirewatch-worker@.service": 10, "wirewatch-web.service": 1}
SCORES["wirewatch-backup.service"] = 1
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze (apt-get install systemd)")


def directives(name: str) -> dict[str, list[str]]:
    """Every directive of a unit with its values, in order."""
    found = defaultdict(list)
    for line in (SYSTEMD / name).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"([A-Z]\w+)=(.*)", line):
            found[match[1]].append(match[2])
    return dict(found)


def sandbox(name: str) -> list[str]:
    """The lines of a unit from the sandbox on."""
    text = (SYSTEMD / name).read_text(encoding="utf-8")
    part = text[text.index("# Files: ") :].partition("[Install]")[0]
    return [line for line in part.splitlines() if line and not line.startswith("#")]


def seconds(value: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(s|min)?", value).groups()  # type: ignore[union-attr]
    return int(number) * (60 if unit == "min" else 1)


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading row of the README."""
    text = README[README.index(f"\n| {heading} |") :].split("\n\n")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.strip().splitlines()[2:]]


@needs_systemd
def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    """The program is not installed here: another one stands in for it."""
    for path in SYSTEMD.glob("wirewatch*"):
        text = path.read_text(encoding="utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / path.name.replace("@.", "@1.")).write_text(text, encoding="utf-8")
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert len(units) >= 4
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    own = [line for line in (done.stdout + done.stderr).splitlines() if "wirewatch" in line]
    assert (done.returncode, own) == (0, [])


@needs_systemd
@pytest.mark.parametrize("name", SCORES)
def test_a_unit_is_no_more_exposed_than_the_readme_says(name: str, tmp_path: Path) -> None:
    unit = tmp_path / name.replace("@.", "@1.")
    unit.write_text((SYSTEMD / name).read_text(encoding="utf-8"), encoding="utf-8")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={SCORES[name]}"]
    done = subprocess.run([*command, str(unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr
    assert f"{SCORES[name] / 10:.1f}" in README.partition("`systemd-analyze security` gives")[2][:120]


def test_every_service_has_its_score() -> None:
    assert set(SERVICES) == set(SCORES)


def test_every_line_of_the_sandbox_has_its_reason() -> None:
    explained = {
        name for row in table("directive | why | without") for name in re.findall(r"`(\w+)=", row[0])
    }
    kept = set()
    for name in SERVICES:
        found = directives(name)
        kept |= {line.partition("=")[0] for line in sandbox(name)}
        kept |= {one for one in found if one.startswith(("Memory", "OOM", "Tasks", "Limit", "Load"))}
        kept |= {"User", "Group", "UMask"}
        kept |= {one for one in found if "Directory" in one}
    assert kept == explained


def test_units_of_one_kind_are_closed_alike() -> None:
    assert sandbox("wirewatch-worker@.service") == sandbox("wirewatch.service")
    daemon, page = set(sandbox("wirewatch.service")), set(sandbox("wirewatch-web.service"))
    assert {line.partition("=")[0] for line in daemon - page} == {
        "BindPaths",
        "BindReadOnlyPaths",
        "ReadWritePaths",
        "RestrictAddressFamilies",
        "IPAddressDeny",
    }
    assert page - daemon == {
        "BindReadOnlyPaths=-/run/postgresql /var/lib/wirewatch",
        "PrivateNetwork=yes",
        "RestrictAddressFamilies=AF_UNIX",
        "IPAddressDeny=any",
    }
    assert set(sandbox("wirewatch-backup.service")) - daemon == {
        "BindPaths=/var/backups/wirewatch",
        "BindReadOnlyPaths=-/run/postgresql",
        "ReadWritePaths=+/var/backups/wirewatch",
        "PrivateNetwork=yes",
        "RestrictAddressFamilies=AF_UNIX",
        "IPAddressDeny=any",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_calls_what_there_is(name: str) -> None:
    found = directives(name)
    program, command, *_ = found["ExecStart"][0].split()
    assert program == PROGRAM
    assert command in COMMANDS
    known = {variable(key) for key in all_settings()}
    named = re.findall(r"WIREWATCH_\w+", " ".join(found["Environment"]))
    assert set(named) <= known
    secrets = {key for key, one in all_settings().items() if one.metadata["secret"]}
    for credential in found.get("LoadCredential", []):
        key, _, place = credential.partition(":")
        assert key in secrets
        assert place == f"wirewatch.{key}"  # no absolute path: it may be absent
    assert found["User"] == found["Group"] == ["wirewatch"]


@pytest.mark.parametrize("name", ["wirewatch.service", "wirewatch-worker@.service"])
def test_the_daemons_times_fit_its_settings(name: str) -> None:
    found = directives(name)
    assert found["Type"] == ["notify"]  # notify-reload.conf makes more of it where that is known
    assert found["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert timedelta(seconds=seconds(found["TimeoutStopSec"][0])) > 2 * Schedule().stop_deadline
    assert seconds(found["WatchdogSec"][0]) >= 60
    assert found["StartLimitIntervalSec"] == ["0"]  # never given up
    assert found["OOMPolicy"] == ["continue"]
    final = {str(int(code)) for code in (Exit.USAGE, Exit.DAMAGED)}
    assert final <= set(found["RestartPreventExitStatus"][0].split())


def test_backups_are_made_each_night_where_the_folder_is() -> None:
    timer = directives("wirewatch-backup.timer")
    assert timer["OnCalendar"] == ["*-*-* 02:00"]
    assert timer["Persistent"] == ["yes"]
    assert "wirewatch-backup.timer" in (DEPLOY / "install.sh").read_text(encoding="utf-8")
    made = (DEPLOY / "tmpfiles.d" / "wirewatch.conf").read_text(encoding="utf-8")
    for name in ("wirewatch.service", "wirewatch-worker@.service", "wirewatch-backup.service"):
        found = directives(name)
        (folder,) = re.findall(r"BACKUPS_DIRECTORY=(\S+)", " ".join(found["Environment"]))
        assert found["BindPaths"][0].lstrip("-") == folder
        assert re.search(rf"^d {folder} +0700 wirewatch wirewatch ", made, re.MULTILINE)


def test_the_socket_is_where_the_page_is_by_default() -> None:
    settings = all_settings()
    place = f"{settings['web.host'].default}:{settings['web.port'].default}"
    assert f"ListenStream={place}" in (SYSTEMD / "wirewatch-web.socket").read_text(encoding="utf-8")
    for proxy in ("Caddyfile", "nginx.conf"):
        assert place in (DEPLOY / "proxy" / proxy).read_text(encoding="utf-8")
    assert place in (DEPLOY / "prometheus" / "scrape.yml").read_text(encoding="utf-8")


def test_proxies_keep_monitors_out_and_let_hubs_and_tokens_in() -> None:
    for proxy in ("Caddyfile", "nginx.conf"):
        text = (DEPLOY / "proxy" / proxy).read_text(encoding="utf-8")
        assert all(word in text for word in ("metrics", "healthz", "readyz", "/websub/", "allowed_hosts"))
        assert re.search(r"\bapi\b.*\bfeeds\b", text), proxy
    nginx = (DEPLOY / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    # Without it what is forwarded could be taken for this machine's own, which reads without a token.
    assert nginx.count("proxy_set_header X-Forwarded-For ") == nginx.count("proxy_pass ")
    assert nginx.count("proxy_set_header Host $http_host;") == nginx.count("proxy_pass ")
    assert nginx.count("{") == nginx.count("}")


def test_every_unit_and_file_stands_in_the_readme() -> None:
    for path in SYSTEMD.glob("wirewatch*"):
        name = path.name if path.suffix == ".service" else path.suffix
        assert f"`{name}`" in README, path.name
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (DEPLOY / target).exists(), target


@pytest.mark.parametrize("script", ["install.sh", "wirewatch"])
def test_scripts_are_sound(script: str) -> None:
    path = DEPLOY / script
    assert path.stat().st_mode & 0o111
    shell = "bash" if script == "install.sh" else "sh"
    subprocess.run([shell, "-n", str(path)], check=True)
    if found := shutil.which("shellcheck"):
        subprocess.run([found, str(path)], check=True)


def test_the_installer_says_what_it_takes_and_refuses_what_it_does_not() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(DEPLOY / "install.sh"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    usage = run()
    assert usage.returncode == 2
    for word in ("install", "rollback", "uninstall", "status", "--wheels DIR", "--purge"):
        assert word in usage.stdout
    assert run("remove").returncode == 2
    wrong = run("install", "--form", "x")
    assert wrong.returncode == 1
    assert "there is no option --form" in wrong.stderr
    assert "--from needs a value" in run("install", "--from").stderr
