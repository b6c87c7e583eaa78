"""A document that a person typed in by hand is read back once the package shows its number."""

from __future__ import annotations

from ledger.repair import resolve
from tests.sources.desk import Desk


async def test_what_a_person_typed_in_is_found_by_its_number_and_read_back(desk: Desk) -> None:
    await desk.run()
    desk.ledger.add_invoice(desk.key, "i1", state="rejected")
    desk.ledger.ask("UPDATE posting SET package_id = NULL RETURNING id")
    ((number,),) = desk.ledger.ask("SELECT id FROM posting")
    assert desk.ledger.write(lambda cursor: resolve(cursor, str(number), booked_as="2026-77")) is None
    assert desk.is_due, "the whole package is read at once"
    desk.source.book("2026-77", "121.00", "21.00")
    assert await desk.run() == ["sweep"]
    assert desk.ledger.ask("SELECT state, package_id FROM posting") == [("adopted", "2026-77")]
    assert [(event["status"], event["invoice"]["number"]) for event in desk.ledger.events()] == [
        ("partly_paid", "F-i1")
    ]


async def test_a_number_that_the_package_shows_twice_is_linked_by_its_amount_or_not_at_all(
    desk: Desk,
) -> None:
    await desk.run()
    for name, gross in (("i1", "121.00"), ("i2", "50.00")):
        desk.ledger.add_invoice(desk.key, name, gross, state="adopted")
        desk.ledger.ask(
            "UPDATE posting SET package_id = NULL, package_number = %s WHERE document_id = %s RETURNING id",
            f"N-{name}",
            name,
        )
    for held_as, number, gross in (
        ("a", "N-i1", "9.00"),
        ("b", "N-i1", "121.00"),
        ("c", "N-i2", "50.00"),
        ("d", "N-i2", "50.00"),
    ):
        desk.source.show(held_as, number, gross)
    assert await desk.sweep() == ["sweep"]
    assert desk.ledger.ask("SELECT package_id FROM posting ORDER BY id") == [("b",), (None,)]
