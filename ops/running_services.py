"""Where the services that `koppeling up` started answer, for every other command.

`up` keeps its ports and the database's password in the data directory. A service runs as long as one of its
processes holds `running.lock`.
"""

from __future__ import annotations

from pathlib import Path

from ops.embedded import node_state, ports
from ops.embedded.file_lock import FileLock
from ops.embedded.node_state import NodeState
from ops.embedded.postgres_node import DATABASE, OWNER


def running_kafka(data_dir: Path) -> str | None:
    """`host:port` of the embedded broker of this data directory; None when it does not run."""
    state = _running(data_dir / "kafka", "broker")
    return None if state is None else f"{ports.HOST}:{state.ports['broker']}"


def running_postgres(data_dir: Path) -> str | None:
    """The DSN of the embedded database of this data directory; None when it does not run."""
    state = _running(data_dir / "postgres", "server")
    if state is None:
        return None
    return f"postgresql://{OWNER}:{state.password}@{ports.HOST}:{state.ports['server']}/{DATABASE}"


def _running(folder: Path, port: str) -> NodeState | None:
    state = node_state.read(folder) if folder.is_dir() else None
    if state is None or port not in state.ports:
        return None
    lock = FileLock(folder / "running.lock")
    if lock.try_acquire(shared=True):
        lock.release()
        return None
    return state if ports.answers(state.ports[port]) else None
