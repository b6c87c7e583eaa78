"""SnelStart fulfils the contracts."""

from __future__ import annotations

from typing import ClassVar

from schemas.outcome import Package
from tests.conformance.direct_sink import DirectSinkConformance
from tests.conformance.simulator import DirectSimulatorConformance
from tests.conformance.source import SourceConformance


class TestSnelStartSink(DirectSinkConformance):
    package: ClassVar[Package] = Package.SNELSTART


class TestSnelStartSource(SourceConformance):
    package: ClassVar[Package] = Package.SNELSTART


class TestSnelStartSimulator(DirectSimulatorConformance):
    package: ClassVar[Package] = Package.SNELSTART
