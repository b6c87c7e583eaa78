"""A PDF is added to its boeking once, under a name that any Windows program takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from pydantic import SecretStr

from schemas.invoice import Direction
from schemas.posting import PackageDocument
from sinks.contract import AttachmentFile
from sinks.snelstart_attachment import LONGEST_NAME, add_attachment, stored_name
from tests.vendors.wire_server import WireServer, answer, serving
from vendors.pacing import Pacer
from vendors.snelstart.client import Endpoint, SnelStartClient
from vendors.transport import Transport

BOOKING = "9e3d3f0a-4b0e-4a7c-8d1e-2f7d0f6a1b11"
HELD = "5830cec3-8929-4703-80b4-bd695402a7b0"
TOKEN = answer(200, {"access_token": "t", "expires_in": 3599})
WITH_ONE = answer(200, {"id": BOOKING, "documents": [{"id": HELD, "uri": f"/documenten/{HELD}"}]})
PDF = AttachmentFile("F1.pdf", "application/pdf", b"%PDF")


@dataclass(frozen=True)
class Opened:
    wire: WireServer
    client: SnelStartClient

    async def attach(self) -> list[str]:
        await add_attachment(self.client, PackageDocument(number="F1", id=BOOKING), Direction.SALES, PDF)
        return [f"{request.method} {request.path}" for request in self.wire.received[1:]]


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    async with serving() as wire, Transport() as transport:
        endpoint = Endpoint("k", f"{wire.url}/v2", f"{wire.url}/token")
        yield Opened(wire, SnelStartClient(transport, Pacer(), endpoint, SecretStr("s"), lambda: 0.0))


async def test_a_file_that_is_there_is_not_added_again(opened: Opened) -> None:
    opened.wire.will(TOKEN, WITH_ONE, answer(200, {"id": HELD, "fileName": "f1.PDF", "content": "JVBERg=="}))
    assert await opened.attach() == [f"GET /v2/verkoopboekingen/{BOOKING}", f"GET /v2/documenten/{HELD}"]


@pytest.mark.parametrize(
    "look", [answer(200, {"id": HELD, "fileName": "bon.pdf"}), answer(404, ""), answer(403, "")]
)
async def test_another_file_or_one_that_cannot_be_seen_does_not_stand_in_the_way(
    opened: Opened, look: object
) -> None:
    opened.wire.will(TOKEN, WITH_ONE, look, answer(201, {"id": str(UUID(int=1))}))  # type: ignore[arg-type]
    assert (await opened.attach())[-1] == "POST /v2/documenten/Verkoopboekingen"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("factuur-1.pdf", "factuur-1.pdf"),
        ("../../etc/F1.pdf", ".._.._etc_F1.pdf".lstrip(".")),
        ('F:1"?.pdf', "F_1__.pdf"),
        ("zonder uitgang", "zonder uitgang.pdf"),
        (".pdf", "factuur.pdf"),
        ("", "factuur.pdf"),
    ],
)
def test_the_name_is_one_that_windows_takes(given: str, stored: str) -> None:
    assert stored_name(given) == stored


def test_a_long_name_keeps_its_extension() -> None:
    name = stored_name("a" * 300 + ".pdf")
    assert name.endswith("….pdf")
    assert len(name) <= LONGEST_NAME
