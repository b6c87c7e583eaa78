"""A process strikes itself at a named step, once, and only the one that came first."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.chaos.clock import OffsetClock, set_offset
from ops.chaos.strikes import Strike, Struck

PROGRAM = """
import sys
from pathlib import Path
from ops.chaos.strikes import Struck
struck = Struck(Path(sys.argv[1]))
for step in sys.argv[2:]:
    struck.step(step)
print("survived")
"""


def run(folder: Path, *steps: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), *steps], capture_output=True, text=True, check=False
    )


def test_the_first_process_that_comes_there_is_struck_once(tmp_path: Path) -> None:
    strike = Strike(tmp_path, "before_send", signal.SIGKILL, "one")
    strike.order()
    assert run(tmp_path, "intent", "outcome").stdout == "survived\n"
    assert strike.struck() is None
    assert run(tmp_path, "intent", "before_send").returncode == -signal.SIGKILL
    assert strike.struck() is not None
    assert run(tmp_path, "before_send").stdout == "survived\n"
    assert not strike.withdraw()


def test_a_strike_that_was_withdrawn_strikes_nobody(tmp_path: Path) -> None:
    strike = Strike(tmp_path, "intent", signal.SIGKILL, "one")
    strike.order()
    assert strike.withdraw()
    assert run(tmp_path, "intent").stdout == "survived\n"


def test_without_a_folder_nothing_happens(tmp_path: Path) -> None:
    Struck(tmp_path / "none").step("intent")


@pytest.mark.parametrize("offset", [-3600.0, 0.0, 86_400.0])
def test_a_clock_can_be_set_wrong(tmp_path: Path, offset: float) -> None:
    clock = OffsetClock(tmp_path / "clock")
    assert abs(clock() - datetime.now(UTC)) < timedelta(minutes=1)
    set_offset(tmp_path / "clock", offset)
    assert abs(clock() - datetime.now(UTC) - timedelta(seconds=offset)) < timedelta(minutes=1)
