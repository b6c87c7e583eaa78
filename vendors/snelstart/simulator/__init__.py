"""A strict, stateful stand-in for SnelStart B2B API v2, written from the published facts about it."""

from vendors.snelstart.simulator.service import SnelStartSimulator, create_simulator
from vendors.snelstart.simulator.settings import SnelStartSettings

SETTINGS = SnelStartSettings

__all__ = ["SETTINGS", "SnelStartSettings", "SnelStartSimulator", "create_simulator"]
