"""A strict, stateful stand-in for Twinfield, written from the published facts about it."""

from vendors.twinfield.simulator.service import TwinfieldSimulator, create_simulator
from vendors.twinfield.simulator.settings import TwinfieldSettings

SETTINGS = TwinfieldSettings

__all__ = ["SETTINGS", "TwinfieldSettings", "TwinfieldSimulator", "create_simulator"]
