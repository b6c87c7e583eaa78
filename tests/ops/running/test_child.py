"""A child process: its environment stays private, it is ready when it says so, and it ends with us."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.running.child import Child
from tests.ops.waiting import until

SECRET = "hush-7531"
PROGRAM = """
import os, signal, sys, time
print("secret is", len(os.environ["SECRET"]), flush=True)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    environment = {"SECRET": SECRET, "PATH": os.environ.get("PATH", "")}
    child = Child([sys.executable, "-c", PROGRAM], environment, tmp_path / "logs" / "child.log")
    yield child
    child.stop()
    assert not child.running


def test_it_is_ready_when_it_says_so(child: Child) -> None:
    assert not child.ready
    child.restart()
    until(lambda: child.ready)

    assert child.running
    assert f"secret is {len(SECRET)}" in child.last_words()


def test_its_environment_is_in_no_command_line(child: Child) -> None:
    child.restart()
    until(lambda: child.ready)

    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert SECRET.encode() not in place.read_bytes()
        except OSError:
            continue


def test_after_a_kill_it_can_be_started_again(child: Child) -> None:
    child.restart()
    until(lambda: child.ready)
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: not child.running)

    child.restart()
    until(lambda: child.ready)

    assert child.pid != first


def test_a_stopped_process_ends_too(child: Child) -> None:
    child.restart()
    until(lambda: child.ready)
    pid = child.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    child.stop()

    assert not Path(f"/proc/{pid}").exists()
