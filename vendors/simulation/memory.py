"""What simulators remember over a clean stop: companies, books and settings; not faults, calls and tokens.

The file is pickled and only for the same version on the same machine. It is taken away when it is read: after
a kill -9 there is none, so that books are whole or gone, never of an earlier hour.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from vendors.simulation.simulator import Simulator, Stage

_STAGE = "stage"


class _Pickler(pickle.Pickler):
    def __init__(self, file: IO[bytes], stage: Stage) -> None:
        super().__init__(file, protocol=5)
        self._stage = stage

    def persistent_id(self, obj: object) -> str | None:
        return _STAGE if obj is self._stage else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], stage: Stage) -> None:
        super().__init__(file)
        self._stage = stage

    def persistent_load(self, pid: object) -> Stage:
        if pid != _STAGE:
            raise pickle.UnpicklingError(f"unknown {pid!r}")
        return self._stage


def remember(path: Path, stage: Stage, simulators: Mapping[str, Simulator]) -> None:
    """Write everything to a file that only its owner may read."""
    content = {
        "ids": stage.id_state(),
        "companies": {package: dict(simulator.companies) for package, simulator in simulators.items()},
    }
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        _Pickler(file, stage).dump(content)
    new.replace(path)


def recall(path: Path, stage: Stage, simulators: Mapping[str, Simulator]) -> None:
    """Give the simulators back what they had, if there is a file, and take the file away."""
    try:
        with path.open("rb") as file:
            content = _Unpickler(file, stage).load()
    except FileNotFoundError:
        return
    path.unlink()
    stage.set_id_state(content["ids"])
    for package, companies in content["companies"].items():
        if package in simulators:
            simulators[package].restore(companies)
