"""Where the services that `koppeling up` started answer, for every other command.

`up` keeps its ports and the database's password in the data directory. A service runs as long as one of its
processes holds `running.lock`; while its owner lives without it, it is being started again.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from ops.embedded import node_state, ports
from ops.embedded.file_lock import FileLock
from ops.embedded.node_state import NodeState
from ops.embedded.postgres_node import DATABASE, OWNER

RESTART_SECONDS = 15.0
"""How long a command waits for a service that is being started (again)."""


def running_kafka(data_dir: Path, patience: float = RESTART_SECONDS) -> str | None:
    """`host:port` of the embedded broker of this data directory; None when it does not run."""
    state = _running(data_dir / "kafka", "broker", patience)
    return None if state is None else f"{ports.HOST}:{state.ports['broker']}"


def running_postgres(data_dir: Path, patience: float = RESTART_SECONDS) -> str | None:
    """The DSN of the embedded database of this data directory; None when it does not run."""
    state = _running(data_dir / "postgres", "server", patience)
    if state is None:
        return None
    return f"postgresql://{OWNER}:{state.password}@{ports.HOST}:{state.ports['server']}/{DATABASE}"


def _running(folder: Path, port: str, patience: float) -> NodeState | None:
    deadline = time.monotonic() + patience
    while True:
        state = node_state.read(folder) if folder.is_dir() else None
        if state is not None and port in state.ports and _has_process(folder):
            if ports.answers(state.ports[port]):
                return state
        elif not _has_owner(folder):
            return None
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.2)


def _has_process(folder: Path) -> bool:
    lock = FileLock(folder / "running.lock")
    if lock.try_acquire(shared=True):
        lock.release()
        return False
    return True


def _has_owner(folder: Path) -> bool:
    """Whether the process that left its number in `owner.lock` lives.

    The lock itself is left alone: whoever starts the services does not wait for it.
    """
    note = FileLock(folder / "owner.lock").note().strip()
    if not note.isdecimal():
        return False
    try:
        os.kill(int(note), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
