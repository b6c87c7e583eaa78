"""A client of Twinfield against a scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from tests.vendors.twinfield.scripted import Credits
from tests.vendors.twinfield.test_auth import REFRESH, app, no_wait
from tests.vendors.wire_server import WireServer, serving
from vendors.transport import Transport
from vendors.twinfield.auth import TokenSource
from vendors.twinfield.client import TwinfieldClient


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    async with serving() as server:
        yield server


@pytest.fixture
def pacer() -> Credits:
    return Credits()


@pytest.fixture
async def client(wire: WireServer, pacer: Credits) -> AsyncIterator[TwinfieldClient]:
    async with Transport(sleep=no_wait) as transport:
        tokens = TokenSource(transport, app(wire), SecretStr(REFRESH), lambda: 0.0)
        yield TwinfieldClient(transport, pacer, tokens, "ENK001")
