"""Which packages have a simulator, and where it is.

A package's `vendors.<package>.simulator` offers `create_simulator(stage, folder)` and `SETTINGS`, the model
of the settings of a company.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

from vendors.simulation.simulator import Simulator, Stage

PACKAGES_WITH_SIMULATOR = ("snelstart", "king")
"""Packages that have a simulator in this version."""


def load_simulator(package: str, stage: Stage, folder: Path) -> Simulator:
    """The simulator of a package; a file package works below `folder`.

    Raises:
        ValueError: the package has none.
    """
    simulator = _module(package).create_simulator(stage, folder)
    assert isinstance(simulator, Simulator)
    return simulator


def settings_model(package: str) -> type[BaseModel]:
    """The model of the settings of a company in a package.

    Raises:
        ValueError: the package has no simulator.
    """
    model: type[BaseModel] = _module(package).SETTINGS
    return model


def _module(package: str) -> ModuleType:
    if package not in PACKAGES_WITH_SIMULATOR:
        known = ", ".join(PACKAGES_WITH_SIMULATOR)
        raise ValueError(f"no simulator for package {package!r}; there is one for: {known}")
    return importlib.import_module(f"vendors.{package}.simulator")
