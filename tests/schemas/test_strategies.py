"""What the strategies promise: every event that they make is accepted."""

from __future__ import annotations

from hypothesis import given

from schemas.reading import ReadEvent, read_record
from tests.schemas.builders import Json, record
from tests.schemas.strategies import invoices, relations, unhurried


@unhurried
@given(relations())
def test_relations_are_accepted(relation: Json) -> None:
    assert isinstance(read_record(*record(relation)), ReadEvent)


@unhurried
@given(invoices())
def test_invoices_are_accepted(invoice: Json) -> None:
    assert isinstance(read_record(*record(invoice)), ReadEvent)
