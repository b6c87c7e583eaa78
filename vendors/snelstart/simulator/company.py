"""One administration in the simulated SnelStart: its keys, master data, relations, bookings and books."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import JsonValue, TypeAdapter

from vendors.simulation import contract
from vendors.simulation.books import BookedDocument, BookedRelation, Books, Direction, Role
from vendors.simulation.simulator import Company, Stage
from vendors.snelstart.simulator import chart
from vendors.snelstart.simulator.binding import string
from vendors.snelstart.simulator.settings import SnelStartSettings

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

UNKNOWN_SUPPLIER_CODE, UNKNOWN_CUSTOMER_CODE = -1, -2


def local(moment: datetime) -> datetime:
    """A moment as SnelStart shows it: wall clock of Amsterdam, hundredths of a second, no zone."""
    shown = moment.astimezone(AMSTERDAM).replace(tzinfo=None)
    return shown.replace(microsecond=shown.microsecond // 10_000 * 10_000)


@dataclass
class Relatie:
    """A relation: `values` holds the bound fields of RelatieWriteModel under the API's names."""

    id: str
    values: dict[str, object]
    modified: datetime
    created: datetime
    attachments: int = 0

    @property
    def code(self) -> int:
        """`relatiecode`."""
        code = self.values["relatiecode"]
        assert isinstance(code, int)
        return code

    @property
    def name(self) -> str:
        """`naam`."""
        return str(self.values["naam"])

    @property
    def sorts(self) -> tuple[str, ...]:
        """`relatiesoort`."""
        sorts = self.values["relatiesoort"]
        assert isinstance(sorts, list)
        return tuple(str(sort) for sort in sorts)

    @property
    def is_active(self) -> bool:
        """Not `nonactief`."""
        return self.values.get("nonactief") is not True


@dataclass
class Boeking:
    """A sales or purchase booking with the factuur that SnelStart makes of it."""

    id: str
    factuur_id: str
    direction: Direction
    relation_id: str
    values: dict[str, object]
    document: BookedDocument
    modified: datetime
    factuur_modified: datetime
    attachments: list[str] = field(default_factory=list)


class SnelStartCompany(Company):
    """An administration with a koppelsleutel."""

    def __init__(
        self, stage: Stage, wanted: contract.NewCompany, identifier: str, koppelsleutel: str, key: str
    ):
        self.settings = SnelStartSettings.model_validate(wanted.settings)
        self.stage = stage
        self.id = identifier
        self.name = wanted.name
        self.kvk_number = wanted.kvk_number
        self.vat_number = wanted.vat_number
        self.koppelsleutel = koppelsleutel
        self.subscription_key = key
        self.identifier = stage.new_id()
        """`administratieIdentifier`."""
        self.accounts: dict[str, chart.Account] = {}
        self.cost_centres: dict[str, chart.CostCentre] = {}
        self.journals = [(stage.new_id(), *journal) for journal in chart.JOURNALS]
        self.under_way = 0
        self.recent: deque[float] = deque()
        self._fill_chart(wanted)
        self._add_accounts()
        self.empty()

    def _fill_chart(self, wanted: contract.NewCompany) -> None:
        accounts = {
            number: (name, function, False, True) for number, name, function in chart.DEFAULT_ACCOUNTS
        }
        for extra in wanted.chart:
            if not extra.number.isdecimal():
                raise ValueError(f"account {extra.number!r} is not a number")
            function = extra.function or chart.COSTS
            if function not in chart.FUNCTIONS:
                raise ValueError(f"account {extra.number}: no grootboekfunctie {function!r}")
            accounts[int(extra.number)] = (extra.name, function, extra.cost_centre_required, extra.active)
        now = self.stage.clock()
        for number, (name, function, required, active) in sorted(accounts.items()):
            identifier = self.stage.new_id()
            self.accounts[identifier] = chart.Account(
                identifier, number, name[:50], function, required, active, local(now)
            )
        centres = {number: (name, True) for number, name in chart.DEFAULT_COST_CENTRES}
        for centre in wanted.cost_centres:
            if not centre.number.isdecimal() or not 1 <= int(centre.number) <= 999_999_999:
                raise ValueError(f"cost centre {centre.number!r} is not a number from 1 to 999999999")
            centres[int(centre.number)] = (centre.name, centre.active)
        for number, (name, active) in sorted(centres.items()):
            identifier = self.stage.new_id()
            self.cost_centres[identifier] = chart.CostCentre(identifier, number, name[:50], active)

    def empty(self) -> None:
        """Empty the books; the two system relations stay."""
        self.books = Books()
        self.relaties: dict[str, Relatie] = {}
        self.codes: dict[int, str] = {}
        self.boekingen: dict[str, Boeking] = {}
        self.facturen: dict[str, Boeking] = {}
        self.recent.clear()
        for code, name, sort in (
            (UNKNOWN_SUPPLIER_CODE, "Leverancier onbekend", "Leverancier"),
            (UNKNOWN_CUSTOMER_CODE, "Klant onbekend", "Klant"),
        ):
            now = self.stage.clock()
            values: dict[str, object] = {"relatiecode": code, "naam": name, "relatiesoort": [sort]}
            self.keep(Relatie(self.stage.new_id(), values, local(now), now))

    def keep(self, relatie: Relatie) -> None:
        """Store a new or changed relation."""
        before = self.relaties.get(relatie.id)
        if before is not None:
            del self.codes[before.code]
        self.relaties[relatie.id] = relatie
        self.codes[relatie.code] = relatie.id
        if relatie.code > 0:
            self._book_relation(relatie)

    def _book_relation(self, relatie: Relatie) -> None:
        values = relatie.values
        booked = BookedRelation.model_construct(
            id=relatie.id,
            code=str(relatie.code),
            name=relatie.name,
            vat_number=string(values, "btwNummer"),
            kvk_number=string(values, "kvkNummer"),
            iban=string(values, "iban"),
            active=relatie.is_active,
            created_at=relatie.created,
            modified_at=self.stage.clock(),
        )
        for role, sort in ((Role.DEBTOR, "Klant"), (Role.CREDITOR, "Leverancier")):
            if sort in relatie.sorts:
                self.books.relations[role][relatie.id] = booked

    def drop(self, relatie: Relatie) -> None:
        """Delete a relation."""
        del self.relaties[relatie.id]
        del self.codes[relatie.code]
        for role in Role:
            self.books.relations[role].pop(relatie.id, None)

    def next_code(self) -> int:
        """The relatiecode that SnelStart gives when the caller names none."""
        return max(0, *self.codes) + 1

    def was_paid(self, document: BookedDocument) -> None:
        """Whether modifiedOn moves on a payment is unknown of the vendor, hence a setting."""
        if self.settings.payment_bumps_modified_on:
            self.boekingen[document.id].factuur_modified = local(self.stage.clock())

    def change_settings(self, changes: Mapping[str, JsonValue]) -> None:
        """Change settings; those not named stay."""
        self.settings = SnelStartSettings.model_validate({**self.settings.model_dump(mode="json"), **changes})
        self._add_accounts()

    def _add_accounts(self) -> None:
        by_number = {account.number: account for account in self.accounts.values()}
        for number, function in self.settings.extra_accounts.items():
            known = by_number.get(number)
            if known is not None:
                known.function = function
                continue
            identifier, now = self.stage.new_id(), local(self.stage.clock())
            self.accounts[identifier] = chart.Account(
                identifier, number, f"Rekening {number}", function, False, True, now
            )

    def book_year(self) -> int:
        """`huidigBoekjaar`."""
        return self.settings.book_year or local(self.stage.clock()).year

    def describe(self, url: str) -> contract.CompanyAnswer:
        """Credentials, addresses and master data."""
        return contract.CompanyAnswer(
            company=self.id,
            package="snelstart",
            name=self.name,
            credentials={"subscription_key": self.subscription_key, "koppelsleutel": self.koppelsleutel},
            urls={"auth_url": f"{url}/auth/b2b/token", "api_url": f"{url}/api/v2"},
            identity={
                "administratieIdentifier": self.identifier,
                "administratieNaam": self.name,
                "kvKNummer": self.kvk_number,
                "btwNummer": self.vat_number,
            },
            chart=[
                contract.ChartAccount(
                    number=str(account.number),
                    name=account.name,
                    function=account.function,
                    cost_centre_required=account.cost_centre_required,
                    active=account.active,
                )
                for account in self.accounts.values()
            ],
            vat_codes=[
                contract.VatCode(code=soort.value, name=f"Btw {soort.value.lower()}", rate=f"{rate}")
                for soort, rate, _, end in chart.VAT_RATES
                if end.year == 2400
            ],
            journals=[
                contract.Journal(code=str(number), name=name, direction=_DIRECTIONS.get(sort))
                for _, number, name, sort in self.journals
            ],
            cost_centres=[
                contract.CostCentre(number=str(centre.number), name=centre.name, active=centre.active)
                for centre in self.cost_centres.values()
            ],
            settings=TypeAdapter(dict[str, JsonValue]).validate_python(self.settings.model_dump(mode="json")),
        )

    def company_info(self) -> dict[str, object]:
        """As `/companyInfo` shows it."""
        return {
            "administratieIdentifier": self.identifier,
            "administratieNaam": self.name,
            "bedrijfsnaam": self.name,
            "contactpersoon": None,
            "adres": "Industrieweg 1",
            "postcode": "3044 AS",
            "plaats": "Rotterdam",
            "telefoon": None,
            "email": None,
            "website": None,
            "iban": "NL91ABNA0417164300",
            "bic": "ABNANL2A",
            "btwNummer": self.vat_number.removeprefix("NL"),
            "kvKNummer": self.kvk_number,
            "huidigBoekjaar": self.book_year(),
            "beginmaandFiscaleBoekjaar": 1,
            "factureerBuitenlandsBtw": False,
            "buitenlandseBtwGrootboek": None,
        }


_DIRECTIONS = {"Verkoop": Direction.SALES, "Inkoop": Direction.PURCHASE}
EXAMPLE_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
EXAMPLE_AMOUNT = Decimal("1.00")
