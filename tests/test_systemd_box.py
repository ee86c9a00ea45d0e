"""The units and the installer on a real systemd: ready, watched, reloaded, stopped, upgraded, taken back.

Takes two to three minutes, hence not at every run: ``CI=true`` or ``WIREWATCH_TEST_BOX=1`` asks for it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.systemd_box.box import BOOT_FAILED, HERE, boot, make_wheels, missing

pytestmark = pytest.mark.long


def test_the_units_do_what_they_say(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(f"a box with systemd {reason}")
    if not (os.environ.get("CI") or os.environ.get("WIREWATCH_TEST_BOX")):
        pytest.skip("takes minutes: set WIREWATCH_TEST_BOX=1")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheels(wheels)
    code, said = boot(HERE / "shows.sh", wheels)
    print(said)
    if code == BOOT_FAILED:
        pytest.skip(f"a box with systemd cannot be booted on this machine: {said[-500:]}")
    assert code == 0, said
    assert said.count("\nok   ") > 60
