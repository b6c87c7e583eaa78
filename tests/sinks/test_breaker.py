"""The package breaker: administrations that fail alike stop the package; their rejections become held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from ledger.rows import Change, PostingId
from schemas.outcome import Code, Outcome, Package, Reason, reason
from sinks.breaker import let_package_go, package_stopped, stop_package_if_alike
from sinks.terms import DeliveryTerms
from tests.ledger.desk import Desk
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas.builders import invoice

TERMS = DeliveryTerms(breaker_administrations=3, breaker_window=timedelta(minutes=15))
WHY = reason(Code.INTERNAL, vendor_message="Onbekende fout 4711")


@pytest.fixture
def desk(postgres: str) -> Iterator[Desk]:
    with fresh_ledger(postgres) as url, psycopg.connect(url, autocommit=True) as connection:
        yield Desk(url, connection)


def reject(desk: Desk, name: str, why: Reason = WHY, package: Package = Package.SNELSTART) -> bool:
    """One more administration is refused; whether that stops the package."""
    desk.administration(name, package)
    desk.take_in(invoice(administration=name, id=f"inv-{name}"))
    (lease,) = [one for one in desk.leases() if one.connection.endswith(f":{name}")]
    posting = PostingId(desk.posting(f"inv-{name}")["id"])
    desk.change(lease, Change(posting, Outcome.REJECTED, why))
    return desk.write(lambda cursor: stop_package_if_alike(cursor, package, why, TERMS))


def test_enough_administrations_failing_alike_stop_the_package(desk: Desk) -> None:
    assert not reject(desk, "a")
    assert not reject(desk, "b")
    assert desk.write(lambda cursor: package_stopped(cursor, Package.SNELSTART)) is None
    assert reject(desk, "c")
    assert desk.write(lambda cursor: package_stopped(cursor, Package.SNELSTART)) == "Onbekende fout 4711"
    for name in "abc":
        assert desk.outcomes(f"inv-{name}") == ["rejected", "held"]
    assert {row["scope"] for row in desk.postings()} == {"package"}


def test_one_administration_failing_often_does_not(desk: Desk) -> None:
    for number in range(5):
        desk.administration("a")
        desk.take_in(invoice(administration="a", id=f"{number}", number=f"{number}"))
    desk.connection.execute("UPDATE posting SET state = 'rejected', code = 'internal'")
    assert not desk.write(lambda cursor: stop_package_if_alike(cursor, Package.SNELSTART, WHY, TERMS))


def test_other_codes_other_packages_and_older_rejections_do_not_count(desk: Desk) -> None:
    assert not reject(desk, "a", reason(Code.TOO_LONG))
    assert not reject(desk, "b", package=Package.KING)
    assert not reject(desk, "c")
    desk.connection.execute("UPDATE posting SET changed_at = changed_at - interval '16 minutes'")
    assert not reject(desk, "d")
    assert not reject(desk, "e")
    assert reject(desk, "f")
    states = {row["document_id"]: row["state"] for row in desk.postings()}
    assert [states[f"inv-{name}"] for name in "abcdef"] == ["rejected"] * 3 + ["held"] * 3


def test_closing_it_puts_what_it_held_back_to_work(desk: Desk) -> None:
    for name in "abc":
        reject(desk, name)
    desk.write(lambda cursor: let_package_go(cursor, Package.SNELSTART))
    assert desk.write(lambda cursor: package_stopped(cursor, Package.SNELSTART)) is None
    assert {(row["state"], row["code"], row["due_at"] is not None) for row in desk.postings()} == {
        ("received", None, True)
    }
