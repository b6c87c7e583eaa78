"""Payments made in the simulated SnelStart, read back over HTTP into a real ledger."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from ledger.payments import list_payments
from ledger.readbacks import run_soon
from ledger.rows import LaneKey
from ledger.unseen import missing
from sinks.books import Books
from sources.readback import Readback, ReadbackTerms
from sources.snelstart import SnelStartSource
from tests.sources.booked_ledger import BookedLedger, lease_of
from tests.vendors.simulation.driving import Hands, Office, open_office, serving
from vendors.pacing import Pacer
from vendors.snelstart.client import Endpoint, SnelStartClient
from vendors.transport import Transport


@dataclass
class Shop:
    """An administration whose invoices are booked in SnelStart and in the ledger."""

    office: Office
    customer: str
    hands: Hands
    ledger: BookedLedger
    books: Books
    key: LaneKey
    source: SnelStartSource

    async def sell(self, invoice: str, gross: str = "121.00") -> str:
        net = (Decimal(gross) / Decimal("1.21")).quantize(Decimal("0.01"))
        answer = await self.office.sell(
            self.office.sale(
                self.customer,
                f"F-{invoice}",
                factuurbedrag=gross,
                boekingsregels=[self.office.line(8000, str(net))],
                btw=[{"btwSoort": "VerkopenHoog", "btwBedrag": str(Decimal(gross) - net)}],
            )
        )
        assert answer.status_code == 201, answer.text
        return self.ledger.add_invoice(self.key, invoice, gross, package_id=str(answer.json()["id"]))

    async def pay(self, invoice: str | None = None, **payment: Any) -> str:
        wanted = {"company": self.office.id, **payment}
        if invoice is not None:
            wanted["number"] = f"F-{invoice}"
        return str((await self.office.control.ask("POST", "payments", wanted))["payment"])

    async def days_pass(self) -> None:
        self.hands.move(days=3)
        assert (await self.office.log_in()).status_code == 200

    async def read(self, *, sweep: bool = False) -> list[tuple[str, str, str]]:
        """Pull or sweep; returns the new events as (invoice, status, open)."""
        before = len(self.ledger.events())
        self.ledger.write(lambda cursor: run_soon(cursor, self.key, sweep=sweep))
        lease = lease_of(self.key)
        await Readback(self._open, self.books, self.key, ReadbackTerms(), lambda: lease).run()
        return [
            (event["invoice"]["id"], event["status"], event["amount"]["open"])
            for event in self.ledger.events()[before:]
        ]

    async def _open(self) -> SnelStartSource:
        return self.source


@pytest.fixture
async def shop(ledger: BookedLedger, books: Books) -> AsyncIterator[Shop]:
    hands = Hands()
    async with serving(clock=hands) as (_, control), Transport() as transport:
        office = await open_office(control)
        credentials, urls = office.company["credentials"], office.company["urls"]
        client = SnelStartClient(
            transport,
            Pacer(),
            Endpoint(credentials["subscription_key"], urls["api_url"], urls["auth_url"]),
            SecretStr(credentials["koppelsleutel"]),
            time.monotonic,
        )
        customer = await office.make_relation()
        key = ledger.add_administration()
        yield Shop(office, customer, hands, ledger, books, key, SnelStartSource(client))


async def test_an_invoice_is_followed_through_partial_payment_reversal_and_overpayment(shop: Shop) -> None:
    await shop.sell("i1")
    assert await shop.read() == [], "open: nothing to tell"
    first = await shop.pay("i1", amount="48.40")
    assert await shop.read() == [("i1", "partly_paid", "72.60")]
    assert await shop.read() == []
    await shop.pay("i1", amount="rest")
    assert await shop.read() == [("i1", "paid", "0.00")]
    await shop.pay(reverse=first)
    assert await shop.read() == [("i1", "partly_paid", "48.40")]
    await shop.pay("i1", amount="50.00")
    assert await shop.read() == [("i1", "overpaid", "-1.60")]
    sequences = [event["sequence"] for event in shop.ledger.events()]
    assert sequences == sorted(set(sequences))
    assert {event.get("settled_by") for event in shop.ledger.events()} == {"unknown"}


async def test_a_payment_taken_back_altogether_opens_the_invoice_again(shop: Shop) -> None:
    await shop.sell("i1")
    payment = await shop.pay("i1")
    assert await shop.read() == [("i1", "paid", "0.00")]
    await shop.pay(reverse=payment)
    assert await shop.read() == [("i1", "open", "121.00")]
    assert "settled_by" not in shop.ledger.events()[-1]


async def test_a_credit_that_is_paid_out_is_paid(shop: Shop) -> None:
    await shop.sell("c1", "-121.00")
    await shop.pay("c1", amount="-21.00")
    assert await shop.read() == [("c1", "partly_paid", "-100.00")]
    await shop.pay("c1")
    assert await shop.read() == [("c1", "paid", "0.00")]


async def test_a_payment_on_an_older_invoice_is_only_seen_by_the_sweep(shop: Shop) -> None:
    await shop.sell("i1")
    await shop.days_pass()
    await shop.sell("i2")
    assert await shop.read() == []
    await shop.pay("i1")
    assert await shop.read() == [], "SnelStart does not show the payment as a change"
    assert await shop.read(sweep=True) == [("i1", "paid", "0.00")]


async def test_a_payment_that_moves_modified_on_is_seen_by_the_next_pull(shop: Shop) -> None:
    await shop.office.settings(payment_bumps_modified_on=True)
    await shop.sell("i1")
    await shop.days_pass()
    await shop.sell("i2")
    assert await shop.read() == []
    await shop.pay("i1")
    assert await shop.read() == [("i1", "paid", "0.00")]


async def test_an_invoice_typed_in_snelstart_is_none_of_ours(shop: Shop) -> None:
    assert (await shop.office.sell(shop.office.sale(shop.customer, "F-hand"))).status_code == 201
    await shop.pay("hand")
    assert await shop.read() == []
    assert shop.ledger.write(list_payments) == []


async def test_an_invoice_deleted_in_snelstart_is_a_signal_and_no_event(shop: Shop) -> None:
    booking = await shop.sell("i1")
    assert await shop.read() == []
    assert (await shop.office.call("DELETE", f"verkoopboekingen/{booking}")).status_code in {200, 204}
    assert await shop.read(sweep=True) == []
    [lost] = shop.ledger.write(missing)
    assert (lost.invoice_id, lost.package_id) == ("i1", booking)


async def test_a_key_without_the_right_to_read_orders_waits_for_a_person(shop: Shop) -> None:
    await shop.sell("i1")
    await shop.office.settings(scopes=["settings:read"])
    assert await shop.read() == []
    [(code, sentence)] = shop.ledger.ask("SELECT code, message_nl FROM readback")
    assert code is not None
    assert sentence
    await shop.read()
    calls = await shop.office.control.log(company=shop.office.id, operation="verkoopfacturen.GET")
    assert len(calls) == 2, "once per run that was asked for: a refusal is not repeated"
