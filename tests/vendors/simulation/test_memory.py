"""What simulators remember over a clean stop."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from vendors.simulation import PACKAGES_WITH_SIMULATOR, Running, running
from vendors.simulation.books import BookedDocument, Direction, RelationReference


def put_a_document_in(server: Running, package: str, company: str) -> str:
    document = BookedDocument(
        id=server.stage.new_id(),
        direction=Direction.SALES,
        number="2026001",
        relation=RelationReference(id="r", code="1", name="Jansen"),
        gross=Decimal("121.00"),
        vat=[],
        lines=[],
        date=date(2026, 3, 1),
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    server.simulators[package].companies[company].books.add(document)
    return document.id


@pytest.mark.parametrize("package", PACKAGES_WITH_SIMULATOR)
async def test_companies_and_books_are_there_again(package: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with httpx.AsyncClient() as http:
        async with running([package], folder=tmp_path, state=state, port=0) as server:
            made = await http.post(f"{server.control}/companies", json={"package": package, "id": "c-1"})
            credentials = made.json()["credentials"]
            identifier = put_a_document_in(server, package, "c-1")
            before = (await http.get(f"{server.control}/books")).json()
        async with running([package], folder=tmp_path, state=state) as server:
            after = (await http.get(f"{server.control}/books")).json()
            company = (await http.get(f"{server.control}/companies/c-1")).json()
            new = {server.stage.new_id() for _ in range(100)}

    assert after == before
    assert company["credentials"] == credentials
    assert identifier not in new


async def test_what_is_remembered_is_used_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with running(["king"], folder=tmp_path, state=state):
        pass
    assert state.stat().st_mode & 0o077 == 0

    async with running(["king"], folder=tmp_path, state=state):
        assert not state.exists()
