"""The one place that knows all packages: how each is opened from what the ledger stores.

Adding a package = one entry here, after its rooms in `vendors/`, `sinks/` and `sources/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from schemas.outcome import Package
from sinks.contract import DirectSink, FileSink, Traits
from sinks.king import KingMapping, KingSink
from sinks.mapping import AdministrationMapping
from sinks.snelstart import TRAITS as SNELSTART_TRAITS
from sinks.snelstart import SnelStartSink, open_client
from sinks.snelstart_settings import SnelStartApp, SnelStartCredentials, SnelStartMapping
from sources.contract import Source
from sources.snelstart import SnelStartSource
from vendors.pacing import Limit, Monotonic, Pacer
from vendors.transport import Transport


@dataclass(frozen=True)
class Apps:
    """Our own products at the vendors: what all customers share; limits are calls per minute and hour."""

    snelstart: SnelStartApp
    snelstart_limits: tuple[int, int] = (450, 4500)


@dataclass(frozen=True)
class Opened:
    """A direct package opened for one administration; `source` is None without readback."""

    sink: DirectSink
    source: Source | None


@dataclass(frozen=True)
class DirectPackage:
    """A package that is booked directly.

    Attributes:
        mapping: its mapping model.
        traits: how it behaves, as its sinks declare it.
        credentials: what `koppeling connect` asks for.
        pacer: the budget of one connection.
        open: sink and source over the connection's transport and pacer.
    """

    mapping: type[AdministrationMapping]
    traits: Traits
    credentials: type[BaseModel]
    pacer: Callable[[Apps], Pacer]
    open: Callable[[BaseModel, AdministrationMapping, Apps, Transport, Pacer, Monotonic], Opened]


class FolderTarget(BaseModel):
    """Where files of a file package go, in the place of credentials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Field(
        description="An existing folder; files appear in it complete, under their final name."
    )
    emptied_by_program: bool = Field(
        False, description="True when the package or a script takes files away after reading them."
    )


@dataclass(frozen=True)
class FilePackage:
    """A package that reads import files."""

    mapping: type[AdministrationMapping]
    sink: FileSink
    credentials: type[BaseModel] = FolderTarget


def _open_snelstart(
    credentials: BaseModel,
    mapping: AdministrationMapping,
    apps: Apps,
    transport: Transport,
    pacer: Pacer,
    clock: Monotonic,
) -> Opened:
    assert isinstance(credentials, SnelStartCredentials)
    assert isinstance(mapping, SnelStartMapping)
    client = open_client(credentials, apps.snelstart, transport, pacer, clock)
    return Opened(SnelStartSink(client, mapping, clock), SnelStartSource(client))


def _snelstart_pacer(apps: Apps) -> Pacer:
    """A tenth below the vendor's limits for production links (500 a minute, 5,000 an hour, 50 at once)."""
    per_minute, per_hour = apps.snelstart_limits
    return Pacer(45, (Limit(per_minute, timedelta(minutes=1)), Limit(per_hour, timedelta(hours=1))))


PACKAGES: Mapping[Package, DirectPackage | FilePackage] = {
    Package.SNELSTART: DirectPackage(
        mapping=SnelStartMapping,
        traits=SNELSTART_TRAITS,
        credentials=SnelStartCredentials,
        pacer=_snelstart_pacer,
        open=_open_snelstart,
    ),
    Package.KING: FilePackage(mapping=KingMapping, sink=KingSink()),
}
"""Packages that are built; the others are held as `unsupported_by_package`."""
