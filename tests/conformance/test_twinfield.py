"""Twinfield fulfils the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from schemas.outcome import Package
from tests.conformance.direct_sink import DirectSinkConformance
from tests.conformance.simulator import DirectSimulatorConformance
from tests.conformance.source import SourceConformance

COMPANY: Mapping[str, object] = {"settings": {"limits": "off", "years": list(range(2018, 2032))}}
MAPPING: Mapping[str, object] = {
    "vat_codes": {
        "sales:verlegd": "VV",
        "sales:icp": "ICT",
        "sales:export": "VE",
        "purchase:verlegd:21": "IV",
        "purchase:verlegd:9": "IVL",
        "purchase:icp:21": "IEU",
        "purchase:icp:9": "IEUL",
        "purchase:import:21": "IIM",
        "purchase:import:9": "IIML",
    }
}
"""The office's own codes, for the kinds of VAT that have no code of Twinfield's."""


class TestTwinfieldSink(DirectSinkConformance):
    package: ClassVar[Package] = Package.TWINFIELD
    company: ClassVar[Mapping[str, object]] = COMPANY
    mapping: ClassVar[Mapping[str, object]] = MAPPING


class TestTwinfieldSource(SourceConformance):
    package: ClassVar[Package] = Package.TWINFIELD
    company: ClassVar[Mapping[str, object]] = COMPANY


class TestTwinfieldSimulator(DirectSimulatorConformance):
    package: ClassVar[Package] = Package.TWINFIELD
    company: ClassVar[Mapping[str, object]] = COMPANY
