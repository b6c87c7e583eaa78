"""SnelStart fulfils the contracts."""

from __future__ import annotations

from schemas.outcome import Package
from tests.conformance.direct_sink import DirectSinkConformance


class TestSnelStartSink(DirectSinkConformance):
    package = Package.SNELSTART
    company = {"settings": {"limits": "off"}}
