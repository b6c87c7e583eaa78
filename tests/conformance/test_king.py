"""King fulfils the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from schemas.outcome import Package
from sinks.king_settings import DEFAULT_VAT_CODES
from tests.conformance.file_sink import FileSinkConformance
from tests.conformance.simulator import SimulatorConformance

VAT_CODES = {str(int(code)): name for name, code in DEFAULT_VAT_CODES.items() if code}


class TestKingSink(FileSinkConformance):
    package: ClassVar[Package] = Package.KING
    company: ClassVar[Mapping[str, object]] = {"settings": {"vat_codes": VAT_CODES}}


class TestKingSimulator(SimulatorConformance):
    package: ClassVar[Package] = Package.KING
