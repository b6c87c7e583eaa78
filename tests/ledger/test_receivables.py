"""What observations of our invoices become: rows, payment events in order, and signals for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from ledger.payments import PaymentFilter, list_payments
from ledger.receivables import Observed, Sighting, observe
from ledger.recovery import enter_recovery
from ledger.rows import LaneKey
from ledger.unseen import all_settled, mark_missing, missing, unseen
from schemas.outcome import Package
from schemas.payment import PaymentStatus, SettledBy
from tests.sources.booked_ledger import BookedLedger, booked_ledger, ledger_database

T0 = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with ledger_database(postgres) as url:
        yield url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[BookedLedger]:
    with booked_ledger(ledger_url) as opened:
        yield opened


@pytest.fixture
def key(ledger: BookedLedger) -> LaneKey:
    return ledger.add_administration()


def sighting(
    package_id: str,
    open_amount: str,
    gross: str = "121.00",
    *,
    by: SettledBy | None = None,
    paid_on: date | None = None,
) -> Sighting:
    total, rest = Decimal(gross), Decimal(open_amount)
    status = PaymentStatus.PARTLY_PAID
    if rest == total:
        status = PaymentStatus.OPEN
    elif rest == 0:
        status = PaymentStatus.PAID
    elif rest < 0:
        status = PaymentStatus.OVERPAID
    return Sighting(package_id, total, rest, status, by, paid_on)


def see(ledger: BookedLedger, key: LaneKey, *sightings: Sighting, at: datetime = T0) -> Observed:
    return ledger.write(lambda cursor: observe(cursor, key, sightings, at))


def statuses(ledger: BookedLedger) -> list[str]:
    return [event["status"] for event in ledger.events()]


def test_first_sighting_of_an_open_invoice_is_stored_and_not_told(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    assert see(ledger, key, sighting(held_as, "121.00")) == Observed(1, ())
    assert ledger.events() == []
    [row] = ledger.write(list_payments)
    assert (row.status, row.open, row.sequence, row.observed_at) == (
        PaymentStatus.OPEN,
        Decimal("121.00"),
        None,
        T0,
    )


def test_first_sighting_of_a_paid_invoice_is_told(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    see(ledger, key, sighting(held_as, "0.00", by=SettledBy.BANK, paid_on=date(2026, 3, 30)))
    [event] = ledger.events()
    assert event["invoice"] == {"id": "i1", "number": "F-i1"}
    assert event["amount"] == {"gross": "121.00", "paid": "121.00", "open": "0.00"}
    assert (event["status"], event["settled_by"], event["last_payment_date"]) == (
        "paid",
        "bank",
        "2026-03-30",
    )
    assert (event["package"], event["observed_at"]) == ("snelstart", "2026-04-01T08:00:00Z")
    assert event["correlation"] == "cor-1"


def test_every_change_is_told_once_and_in_order_also_back_to_open(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    for hour, rest in enumerate(["121.00", "61.00", "61.00", "0.00", "-10.00", "0.00", "121.00", "121.00"]):
        see(ledger, key, sighting(held_as, rest), at=T0 + timedelta(hours=hour))
    assert statuses(ledger) == ["partly_paid", "paid", "overpaid", "paid", "open"]
    sequences = [event["sequence"] for event in ledger.events()]
    assert sequences == sorted(set(sequences))
    assert len({event["id"] for event in ledger.events()}) == 5
    [row] = ledger.write(list_payments)
    assert row.sequence == sequences[-1]


@pytest.mark.parametrize(
    "change",
    [
        {"settled_by": SettledBy.CREDIT},
        {"last_payment_date": date(2026, 3, 31)},
        {"gross": Decimal("242.00")},
    ],
)
def test_any_field_that_changes_is_told(
    ledger: BookedLedger, key: LaneKey, change: dict[str, object]
) -> None:
    held_as = ledger.add_invoice(key, "i1")
    first = sighting(held_as, "61.00", by=SettledBy.BANK)
    see(ledger, key, first)
    see(ledger, key, replace(first, **change), at=T0 + timedelta(hours=1))  # type: ignore[arg-type]
    assert len(ledger.events()) == 2


def test_an_older_request_changes_nothing(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    see(ledger, key, sighting(held_as, "0.00"), at=T0)
    see(ledger, key, sighting(held_as, "121.00"), at=T0 - timedelta(seconds=1))
    assert statuses(ledger) == ["paid"]
    [row] = ledger.write(list_payments)
    assert (row.open, row.observed_at) == (Decimal("0.00"), T0)


def test_an_unchanged_sighting_still_counts_as_the_newest(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    see(ledger, key, sighting(held_as, "121.00"), at=T0)
    see(ledger, key, sighting(held_as, "121.00"), at=T0 + timedelta(hours=2))
    see(ledger, key, sighting(held_as, "0.00"), at=T0 + timedelta(hours=1))
    assert ledger.events() == []


def test_what_is_not_ours_is_ignored(ledger: BookedLedger, key: LaneKey) -> None:
    other = ledger.add_administration("adm-2")
    ledger.add_invoice(other, "i1", package_id="same-id")
    ledger.add_invoice(key, "i2", package_id="bought", kind="purchase_invoice")
    ledger.add_invoice(key, "i3", package_id="refused", state="rejected")
    ledger.add_invoice(LaneKey(key.administration, Package.KING), "i4", package_id="elsewhere")
    seen = [sighting(name, "0.00") for name in ("same-id", "bought", "refused", "elsewhere", "typed-by-hand")]
    assert see(ledger, key, *seen) == Observed(0, ())
    assert ledger.write(list_payments) == []


@pytest.mark.parametrize("state", ["booked", "already_booked", "adopted"])
def test_every_outcome_that_is_in_the_package_is_read_back(
    ledger: BookedLedger, key: LaneKey, state: str
) -> None:
    held_as = ledger.add_invoice(key, "i1", state=state)
    see(ledger, key, sighting(held_as, "0.00"))
    assert statuses(ledger) == ["paid"]


def test_two_revisions_with_one_booking_are_one_invoice(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    ledger.add_invoice(key, "i1", revision=2, state="already_booked")
    assert see(ledger, key, sighting(held_as, "0.00")) == Observed(1, (PaymentStatus.PAID,))
    assert len(ledger.events()) == 1


def test_sequence_rises_across_a_recovery_epoch(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    see(ledger, key, sighting(held_as, "61.00"))
    ledger.write(lambda cursor: enter_recovery(cursor, "test"))
    see(ledger, key, sighting(held_as, "0.00"), at=T0 + timedelta(hours=1))
    before, after = ledger.events()
    assert (before["sequence"] >> 32, after["sequence"] >> 32) == (1, 2)
    assert after["sequence"] & 0xFFFFFFFF == 1
    assert before["id"] != after["id"]


def test_nothing_is_told_when_the_transaction_fails(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")

    def interrupted(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        observe(cursor, key, [sighting(held_as, "0.00")], T0)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        ledger.write(interrupted)
    assert (ledger.events(), ledger.write(list_payments)) == ([], [])
    see(ledger, key, sighting(held_as, "0.00"))
    assert statuses(ledger) == ["paid"]


def test_a_total_that_differs_is_shown_as_the_package_has_it_and_flagged(
    ledger: BookedLedger, key: LaneKey, capsys: pytest.CaptureFixture[str]
) -> None:
    held_as = ledger.add_invoice(key, "i1", "121.00")
    for hour in range(2):
        see(ledger, key, sighting(held_as, "100.00", gross="242.00"), at=T0 + timedelta(hours=hour))
    [event] = ledger.events()
    assert event["amount"] == {"gross": "242.00", "paid": "142.00", "open": "100.00"}
    [row] = ledger.write(list_payments)
    assert (row.gross_differs, row.booked_gross) == (True, Decimal("121.00"))
    assert capsys.readouterr().out.count("readback.gross_differs") == 1


def test_unseen_are_the_booked_invoices_that_no_request_since_has_shown(
    ledger: BookedLedger, key: LaneKey
) -> None:
    shown, old = ledger.add_invoice(key, "i1"), ledger.add_invoice(key, "i2")
    ledger.add_invoice(key, "i3")
    ledger.add_invoice(key, "i4", state="uncertain", package_id="pkg-i4")
    see(ledger, key, sighting(shown, "121.00"), at=LATER)
    see(ledger, key, sighting(old, "121.00"), at=LATER - timedelta(hours=1))
    assert [item.invoice_id for item in unseen(ledger.connection, key, LATER, 10)] == ["i2", "i3"]
    assert len(unseen(ledger.connection, key, LATER, 1)) == 1
    earlier = datetime(2000, 1, 1, tzinfo=UTC)
    assert unseen(ledger.connection, key, earlier, 10) == [], "booked after the request began"


def test_missing_is_a_signal_and_no_event_and_clears_when_seen_again(
    ledger: BookedLedger, key: LaneKey
) -> None:
    gone, never_seen = ledger.add_invoice(key, "i1"), ledger.add_invoice(key, "i2")
    see(ledger, key, sighting(gone, "0.00"))
    at = LATER
    lost = unseen(ledger.connection, key, at, 10)
    ledger.write(lambda cursor: mark_missing(cursor, key, lost, at))
    ledger.write(lambda cursor: mark_missing(cursor, key, lost, at + timedelta(days=1)))
    assert [(item.invoice_id, item.missing_since) for item in ledger.write(missing)] == [
        ("i1", at),
        ("i2", at),
    ]
    assert unseen(ledger.connection, key, at + timedelta(days=1), 10) == []
    assert statuses(ledger) == ["paid"]
    assert len(ledger.write(lambda cursor: list_payments(cursor, PaymentFilter(only_missing=True)))) == 2

    back = at + timedelta(days=2)
    see(ledger, key, sighting(gone, "0.00"), sighting(never_seen, "121.00"), at=back)
    assert ledger.write(missing) == []
    assert statuses(ledger) == ["paid"]


def test_what_was_seen_meanwhile_is_not_marked_missing(ledger: BookedLedger, key: LaneKey) -> None:
    held_as = ledger.add_invoice(key, "i1")
    lost = unseen(ledger.connection, key, LATER, 10)
    see(ledger, key, sighting(held_as, "121.00"), at=LATER + timedelta(minutes=1))
    ledger.write(lambda cursor: mark_missing(cursor, key, lost, LATER))
    assert ledger.write(missing) == []


def test_all_is_settled_when_nothing_is_open_or_in_doubt(ledger: BookedLedger, key: LaneKey) -> None:
    def settled() -> bool:
        return ledger.write(lambda cursor: all_settled(cursor, key))

    assert settled()
    held_as = ledger.add_invoice(key, "i1")
    assert not settled(), "never seen"
    see(ledger, key, sighting(held_as, "-5.00"))
    assert not settled(), "overpaid"
    see(ledger, key, sighting(held_as, "0.00"))
    assert settled()
    ledger.add_invoice(key, "i2", state="uncertain", intent_step="book", package_id="unknown")
    assert not settled(), "in doubt"


def test_payments_are_listed_by_administration_status_and_number(ledger: BookedLedger, key: LaneKey) -> None:
    other = ledger.add_administration("adm-2")
    one, two, three = (
        ledger.add_invoice(where, name) for where, name in [(key, "i1"), (key, "i2"), (other, "i3")]
    )
    see(ledger, key, sighting(one, "0.00"), sighting(two, "121.00"))
    see(ledger, other, sighting(three, "0.00"))

    def names(wanted: PaymentFilter) -> list[str]:
        return [row.invoice_id for row in ledger.write(lambda cursor: list_payments(cursor, wanted))]

    assert names(PaymentFilter()) == ["i1", "i2", "i3"]
    assert names(PaymentFilter(administration="adm-1")) == ["i1", "i2"]
    assert names(PaymentFilter(status=PaymentStatus.PAID)) == ["i1", "i3"]
    assert names(PaymentFilter(number="F-i2", package=Package.SNELSTART)) == ["i2"]
    assert names(PaymentFilter(limit=1)) == ["i1"]
