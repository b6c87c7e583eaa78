"""Connecting what is announced: against real simulators and a real ledger; time is the test's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg.rows import TupleRow
from pydantic import SecretStr

from ledger.administrations import administration_changed, disconnect, set_mapping
from ledger.admission import KafkaRecord
from ledger.credentials import CredentialVault
from ledger.inbox import receive
from ledger.rows import LaneKey
from ledger.work import lane as read_lane
from ops.autoconnect import Autoconnect, Registry
from ops.company_plan import company_plan, is_plausible
from ops.connecting import Connector
from ops.packages import Apps
from schemas.administration import Administration
from schemas.invoice import Invoice
from schemas.outcome import Package
from schemas.topics import SOURCE_OFFSET_HEADER, SOURCE_PARTITION_HEADER, SOURCE_TOPIC_HEADER, sink_topic
from sinks.snelstart_settings import SnelStartApp
from tests.ledger.fresh_ledger import fresh_ledger
from tests.schemas import builders
from tests.schemas.builders import Json, line
from vendors.simulation import Running, running

OFFSETS = count(1)
KEY = Fernet.generate_key().decode()


class Clock:
    """Monotonic seconds that only the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def ledger_url(postgres: str) -> Iterator[str]:
    with fresh_ledger(postgres) as url:
        yield url


class Scene:
    """A ledger, simulators and the thing under test."""

    def __init__(self, ledger: psycopg.Connection[TupleRow], server: Running, folder: Path) -> None:
        self.ledger = ledger
        self.server = server
        self.clock = Clock()
        self.life = 1
        self.folder = folder
        self.autoconnect = self.fresh()

    def fresh(self) -> Autoconnect:
        """As after a restart of `up`."""
        connector = Connector(
            CredentialVault([KEY]), Apps(SnelStartApp(subscription_key=SecretStr("app"))), "test"
        )
        return Autoconnect(
            lambda: self.ledger,
            connector,
            self.server.control,
            Registry(self.folder / "simulated.json"),
            life=lambda: self.life,
            monotonic=self.clock,
        )

    def announce(self, name: str, package: Package = Package.SNELSTART, **changes: object) -> LaneKey:
        data = builders.administration(id=name, package=str(package), name=f"Bedrijf {name}", **changes)
        with self.ledger.transaction(), self.ledger.cursor() as cursor:
            event = Administration.model_validate_json(json.dumps(data))
            administration_changed(cursor, event, 0, next(OFFSETS))
        return LaneKey(name, package)

    def receive(self, key: LaneKey, *events: Json) -> None:
        records = []
        for event in events:
            source, record_key, headers, value = builders.record(event)
            offset = next(OFFSETS)
            records.append(
                KafkaRecord(
                    sink_topic(key.package),
                    0,
                    offset,
                    record_key,
                    [
                        *headers,
                        (SOURCE_TOPIC_HEADER, source.encode()),
                        (SOURCE_PARTITION_HEADER, b"0"),
                        (SOURCE_OFFSET_HEADER, str(offset).encode()),
                    ],
                    value,
                )
            )
        with self.ledger.transaction(), self.ledger.cursor() as cursor:
            receive(cursor, records, datetime.now(UTC))

    def connection(self, key: LaneKey) -> str | None:
        lane = read_lane(self.ledger, key)
        assert lane is not None
        return lane.connection

    def mapping(self, key: LaneKey) -> dict[str, Any]:
        lane = read_lane(self.ledger, key)
        assert lane is not None
        return dict(lane.mapping)

    async def look(self, seconds: float = 0.0) -> None:
        self.clock.now += seconds
        await self.autoconnect.step(self.ledger)

    async def company(self, name: str) -> dict[str, Any]:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{self.server.control}/companies/{name}")
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
async def scene(ledger_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with running(["snelstart", "king"], folder=tmp_path / "simulators") as server:
        with psycopg.connect(ledger_url, autocommit=True) as ledger:
            # Administrations of earlier tests must not be in the way.
            ledger.execute("TRUNCATE administration, lane, posting, connection, relation CASCADE")
            yield Scene(ledger, server, tmp_path)


async def test_it_waits_until_documents_have_been_quiet(scene: Scene) -> None:
    key = scene.announce("adm-quiet")
    scene.receive(key, builders.invoice(administration="adm-quiet", id="i1", number="1"))
    await scene.look()
    await scene.look(1.4)
    assert scene.connection(key) is None

    scene.receive(key, builders.invoice(administration="adm-quiet", id="i2", number="2"))
    await scene.look(0.2)
    await scene.look(1.4)
    assert scene.connection(key) is None

    await scene.look(0.2)
    assert scene.connection(key) == "snelstart:adm-quiet"
    company = await scene.company("adm-quiet")
    assert company["name"] == "Bedrijf adm-quiet"
    assert company["settings"]["limits"] == "off"


async def test_it_does_not_wait_for_ever(scene: Scene) -> None:
    key = scene.announce("adm-busy")
    for number in range(7):
        scene.receive(key, builders.invoice(administration="adm-busy", id=f"i{number}", number=f"{number}"))
        await scene.look(1.0)

    assert scene.connection(key) is not None


async def test_without_invoices_it_waits_a_little_longer(scene: Scene) -> None:
    key = scene.announce("adm-empty", Package.KING)
    await scene.look()
    await scene.look(3)
    assert scene.connection(key) is None

    await scene.look(1.5)
    assert scene.connection(key) is not None


async def test_a_company_has_the_accounts_of_what_waits(scene: Scene) -> None:
    key = scene.announce("adm-chart")
    lines = [line(ledger_account="8333"), line(ledger_account="99999", id="2")]
    scene.receive(key, builders.invoice(administration="adm-chart", lines=lines))
    await scene.look()
    await scene.look(2)

    functions = {
        account["number"]: account["function"] for account in (await scene.company("adm-chart"))["chart"]
    }
    assert functions["8333"] == "VerkopenOmzetHoog"
    assert "99999" not in functions


async def test_what_later_documents_need_is_added(scene: Scene) -> None:
    key = scene.announce("adm-later", Package.KING)
    await scene.look()
    await scene.look(5)
    scene.receive(
        key, builders.invoice(administration="adm-later", lines=[line(ledger_account="4777", kind="hoog")])
    )

    await scene.look(0.5)

    numbers = {account["number"] for account in (await scene.company("adm-later"))["chart"]}
    assert "4777" in numbers


async def test_an_administration_that_somebody_disconnected_stays_so(scene: Scene) -> None:
    key = scene.announce("adm-off")
    await scene.look()
    await scene.look(5)
    assert scene.connection(key) is not None
    with scene.ledger.transaction(), scene.ledger.cursor() as cursor:
        disconnect(cursor, key)

    await scene.look(10)
    scene.autoconnect = scene.fresh()
    await scene.look()
    await scene.look(10)

    assert scene.connection(key) is None


async def test_companies_that_were_lost_are_made_again(scene: Scene) -> None:
    key = scene.announce("adm-lost")
    await scene.look()
    await scene.look(5)
    pinned = read_lane(scene.ledger, key)
    async with httpx.AsyncClient() as http:
        await http.post(f"{scene.server.control}/reset", json={"companies": True})

    await scene.look(1)
    scene.life = 2
    await scene.look(1)

    assert (await scene.company("adm-lost"))["company"] == "adm-lost"
    now = read_lane(scene.ledger, key)
    assert pinned is not None
    assert now is not None
    assert now.identity != pinned.identity


async def test_a_mapping_that_somebody_made_stays(scene: Scene) -> None:
    key = scene.announce("adm-own")
    own = {"ledger_accounts": {"8000": "8200"}, "relations_written": "on_first_invoice"}
    with scene.ledger.transaction(), scene.ledger.cursor() as cursor:
        set_mapping(cursor, key, own)
    scene.receive(key, builders.invoice(administration="adm-own"))
    await scene.look()
    await scene.look(2)

    mapping = scene.mapping(key)
    assert mapping["ledger_accounts"] == {"8000": "8200"}
    assert mapping["relations_written"] == "on_first_invoice"


async def test_an_administration_without_go_live_date_gets_an_early_one(scene: Scene) -> None:
    key = scene.announce("adm-date", go_live_date=None)
    await scene.look()
    await scene.look(5)

    assert scene.mapping(key)["go_live_date"] == "2000-01-01"


# --- the plan, without anything around it -------------------------------------------------------------


def invoice(**changes: Any) -> Invoice:
    return Invoice.model_validate_json(json.dumps(builders.invoice(**changes)))


def purchase(*lines: Json) -> Invoice:
    return invoice(direction="purchase", supplier_invoice_number="L1", lines=list(lines))


@pytest.mark.parametrize(
    ("account", "expected"),
    [("8350", True), ("4001", True), ("70", False), ("99999", False), ("OMZET", False)],
)
def test_only_what_sounds_like_costs_or_revenue_is_added(account: str, expected: bool) -> None:
    assert is_plausible(account) is expected


def test_a_revenue_account_with_several_kinds_gets_entries_in_the_mapping() -> None:
    lines = [
        line(ledger_account="8350"),
        line(ledger_account="8350", kind="laag", rate="9", id="2"),
        line(ledger_account="8350", kind="vrijgesteld", rate="0", id="3"),
    ]

    plan = company_plan(Package.SNELSTART, [invoice(lines=lines)], {}, {})

    assert plan.settings["extra_accounts"] == {"8350": "VerkopenOmzetHoog"}
    assert plan.mapping["ledger_accounts"] == {"8350/laag": "8010", "8350/vrijgesteld": "8040"}


def test_a_revenue_account_on_a_purchase_becomes_one_for_costs() -> None:
    plan = company_plan(Package.SNELSTART, [purchase(line(ledger_account="8000"))], {}, {})

    assert plan.settings["extra_accounts"] == {"8000": "InkopenKostenAlleBtwTarieven"}


def test_a_cost_centre_that_snelstart_cannot_have_switches_them_off() -> None:
    plain = company_plan(Package.SNELSTART, [invoice(lines=[line(cost_centre="12")])], {}, {})
    words = company_plan(Package.SNELSTART, [invoice(lines=[line(cost_centre="NOORD")])], {}, {})

    assert plain.mapping == {"kostenplaatsen_aanmaken": True}
    assert words.mapping["cost_centre_from"] == "off"


def test_king_gets_vat_codes_for_assessed_low_rates() -> None:
    plan = company_plan(Package.KING, [invoice()], {}, {})

    codes = plan.settings["vat_codes"]
    assert isinstance(codes, dict)
    assert {"24", "26", "27"} <= set(codes)
    assert plan.mapping == {}
