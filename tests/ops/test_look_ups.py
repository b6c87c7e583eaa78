"""What goes without a look-up is what the packages declare, and their sinks declare the same."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from ops.packages import PACKAGES, Apps, DirectPackage, FilePackage
from ops.replay.look_ups import KIND_OF_DIRECTION, unasked
from schemas.invoice import Direction
from schemas.outcome import Package
from sinks.contract import Traits
from sinks.snelstart_settings import SnelStartCredentials
from tests.sinks.snelstart_world import APP
from vendors.transport import Transport

DIRECT = {package: made for package, made in PACKAGES.items() if isinstance(made, DirectPackage)}
FILES = [package for package, made in PACKAGES.items() if isinstance(made, FilePackage)]
CREDENTIALS = {
    Package.SNELSTART: SnelStartCredentials.model_validate({"koppelsleutel": "sleutel"}),
}


@pytest.mark.parametrize("package", DIRECT)
@pytest.mark.parametrize(
    "guarded", [frozenset[Direction](), {Direction.SALES}, {Direction.PURCHASE}, frozenset(Direction)]
)
def test_a_direct_package_is_not_asked_in_the_directions_that_it_declares_as_guarded(
    package: Package, guarded: frozenset[Direction]
) -> None:
    declared = DIRECT[package]
    changed = replace(declared, traits=replace(declared.traits, guarded=frozenset(guarded)))
    kinds = {kind for name, kind in unasked({**PACKAGES, package: changed}) if name == package}
    assert kinds == {KIND_OF_DIRECTION[direction] for direction in guarded}


@pytest.mark.parametrize("package", FILES)
def test_a_file_package_cannot_be_asked(package: Package) -> None:
    assert {kind for name, kind in unasked() if name == package} == set(KIND_OF_DIRECTION.values())


@pytest.mark.parametrize("package", DIRECT)
def test_the_lane_goes_by_the_same_declaration(package: Package) -> None:
    """Otherwise a dry run would promise a look-up that is not made, or the other way round."""
    made = DIRECT[package]
    apps = Apps(snelstart=APP)

    async def declared_by_sink() -> Traits:
        async with Transport() as transport:
            opened = made.open(
                CREDENTIALS[package], made.mapping(), apps, transport, made.pacer(apps), time.monotonic
            )
            traits = opened.sink.traits
            await opened.sink.close()
            return traits

    assert asyncio.run(declared_by_sink()) == made.traits


def test_every_package_is_one_of_both() -> None:
    assert {name for name, _ in unasked()} == {str(package) for package in FILES} | {
        str(package) for package, made in DIRECT.items() if made.traits.guarded
    }
