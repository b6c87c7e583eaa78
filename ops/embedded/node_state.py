"""What a node remembers between starts: its ports, its secrets, its cluster id."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "state.json"


@dataclass(frozen=True)
class NodeState:
    """One node's memory.

    Attributes:
        ports: by name, so that a restart on the same data has the same address.
        password: of the database's owner; empty for Kafka.
        cluster_id: Kafka's; empty for PostgreSQL.
    """

    ports: dict[str, int]
    password: str = ""
    cluster_id: str = ""


def read(folder: Path) -> NodeState | None:
    """The state of the node in `folder`; None before its first start."""
    try:
        data = json.loads((folder / FILE_NAME).read_text())
    except FileNotFoundError:
        return None
    return NodeState(
        ports={str(name): int(port) for name, port in data["ports"].items()},
        password=str(data["password"]),
        cluster_id=str(data["cluster_id"]),
    )


def write(folder: Path, state: NodeState) -> None:
    """Store the state by rename, readable by its owner only."""
    path = folder / FILE_NAME
    new = path.with_suffix(".new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
