"""What can go wrong with embedded services; every message is a sentence for the person at the terminal."""

from __future__ import annotations


class EmbeddedError(Exception):
    """An embedded service cannot do what was asked."""


class DataDirInUse(EmbeddedError):
    """Another process works on the same data directory."""


class StartFailed(EmbeddedError):
    """The service ended, or did not answer, before it was ready."""


class PortTaken(StartFailed):
    """Somebody took the port between the moment it was found free and the moment the service wanted it."""


class JarsUnavailable(EmbeddedError):
    """Kafka's jars are not on this machine and cannot be fetched."""


class NotRunning(EmbeddedError):
    """The service must be running for this."""
