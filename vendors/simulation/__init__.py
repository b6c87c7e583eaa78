"""What all simulators share: the server, the control interface, books, faults, the log of calls."""

from vendors.simulation.packages import PACKAGES_WITH_SIMULATOR
from vendors.simulation.schema import control_schema
from vendors.simulation.server import Running, run, running
from vendors.simulation.simulator import Company, Simulator, Stage

__all__ = [
    "PACKAGES_WITH_SIMULATOR",
    "Company",
    "Running",
    "Simulator",
    "Stage",
    "control_schema",
    "run",
    "running",
]
