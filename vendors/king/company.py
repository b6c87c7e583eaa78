"""One administration in the simulated King: chart, journals, VAT codes, relations and books."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from vendors.simulation import contract
from vendors.simulation.books import BookedRelation, Books, Direction, Role
from vendors.simulation.simulator import Company, Stage

REVENUE, COSTS, VAT, OTHER = "omzet", "kosten", "btw", "overig"
"""What an account is for; on an account for VAT, lines count as VAT."""

DEFAULT_ACCOUNTS: tuple[tuple[str, str, str], ...] = (
    ("1000", "Kas", OTHER),
    ("1100", "Bank", OTHER),
    ("1450", "G-rekening", OTHER),
    ("1500", "Btw af te dragen laag", VAT),
    ("1501", "Btw af te dragen hoog", VAT),
    ("1502", "Btw af te dragen verlegd", VAT),
    ("1510", "Btw te verrekenen laag", VAT),
    ("1511", "Btw te verrekenen hoog", VAT),
    ("1512", "Btw te verrekenen verlegd", VAT),
    ("150200", "Btw laag", VAT),
    ("150250", "Btw hoog", VAT),
    ("3000", "Voorraad materialen", OTHER),
    ("4000", "Lonen en salarissen", COSTS),
    ("4100", "Huisvestingskosten", COSTS),
    ("4200", "Exploitatiekosten", COSTS),
    ("4210", "Klein gereedschap", COSTS),
    ("4300", "Verkoopkosten", COSTS),
    ("4400", "Autokosten", COSTS),
    ("4410", "Brandstof", COSTS),
    ("4500", "Kantoorkosten", COSTS),
    ("4600", "Algemene kosten", COSTS),
    ("4700", "Verzekeringen", COSTS),
    ("4800", "Afschrijvingen", COSTS),
    ("4900", "Overige kosten", COSTS),
    ("4999", "Afrondingsverschillen", COSTS),
    ("7000", "Inkoop materialen", COSTS),
    ("7001", "Inkopen laag", COSTS),
    ("7002", "Inkopen hoog", COSTS),
    ("7010", "Inkopen binnen EU", COSTS),
    ("7020", "Inkopen buiten EU", COSTS),
    ("7100", "Kosten uitbesteed werk", COSTS),
    ("7200", "Huur materieel", COSTS),
    ("8000", "Omzet hoog", REVENUE),
    ("8010", "Omzet laag", REVENUE),
    ("8020", "Omzet verlegd", REVENUE),
    ("8040", "Omzet onbelast", REVENUE),
    ("8060", "Omzet buiten EU", REVENUE),
    ("8070", "Omzet binnen EU", REVENUE),
    ("8100", "Omzet materialen hoog", REVENUE),
    ("8110", "Omzet materialen laag", REVENUE),
    ("8140", "Omzet materialen onbelast", REVENUE),
    ("8150", "Omzet materialen verlegd", REVENUE),
    ("8200", "Omzet diensten hoog", REVENUE),
    ("8210", "Omzet diensten laag", REVENUE),
    ("8240", "Omzet diensten onbelast", REVENUE),
    ("8250", "Omzet diensten verlegd", REVENUE),
)
"""Number, name and use of the accounts that every company has."""

DEFAULT_JOURNALS: tuple[tuple[str, str, Direction | None], ...] = (
    ("VERK", "Verkoop", Direction.SALES),
    ("INK", "Inkoop", Direction.PURCHASE),
    ("MEMO", "Memoriaal", None),
    ("BANK", "Bank", None),
    ("KAS", "Kas", None),
)

DEFAULT_VAT_CODES: Mapping[int, str] = {
    1: "9% af te dragen",
    2: "21% af te dragen",
    3: "0% verkoop",
    4: "Verlegd verkoop",
    5: "Vrijgesteld verkoop",
    6: "Leveringen binnen EU",
    7: "Export",
    8: "Geen btw",
    11: "9% te verrekenen",
    12: "21% te verrekenen",
    13: "0% inkoop",
    14: "Verlegd inkoop",
    15: "Vrijgesteld inkoop",
    16: "Verwervingen binnen EU",
    17: "Import",
    18: "Geen btw inkoop",
}
"""VAT codes differ per administration in King; 1, 2, 4 and 12 are those of the examples that are known."""


class KingSettings(BaseModel):
    """Settings of one administration; all can be changed while it runs."""

    model_config = ConfigDict(extra="forbid")

    wrong_post: Literal["file", "post"] = Field(
        default="file", description="a wrong post refuses the whole file, or only itself (unknown of King)"
    )
    vat_codes: dict[int, str] = Field(default_factory=lambda: dict(DEFAULT_VAT_CODES))
    payment_conditions: list[int] = Field(default_factory=lambda: [0, 1, 7, 8, 10, 14, 21, 30, 45, 60, 90])
    languages: list[str] = Field(default_factory=lambda: ["N", "D", "E", "F"])
    closed_until: date | None = Field(default=None, description="booking dates up to here are refused")
    extra_journals: dict[str, Literal["sales", "purchase", "other"]] = Field(default_factory=dict)
    extra_accounts: dict[str, Literal["omzet", "kosten", "btw", "overig"]] = Field(
        default_factory=dict, description="accounts to add to the chart, with their use"
    )
    folder: Path | None = Field(
        default=None,
        description="the folder to watch; absent: one of its own (only when the company is made)",
    )
    delete_after_reading: bool = Field(default=True, description="King's own import setting")


@dataclass
class Naw:
    """A debtor or creditor: every field that King was ever told, by element name (blocks by path)."""

    role: Role
    number: str
    values: dict[str, str] = field(default_factory=dict)


class KingCompany(Company):
    """An administration that imports what is put into its folder."""

    def __init__(self, stage: Stage, wanted: contract.NewCompany, identifier: str, folder: Path) -> None:
        self.settings = KingSettings.model_validate(wanted.settings)
        self.stage = stage
        self.id = identifier
        self.name = wanted.name
        self.kvk_number = wanted.kvk_number
        self.folder = self.settings.folder or folder
        self.accounts: dict[str, contract.ChartAccount] = {
            number: contract.ChartAccount(number=number, name=name, function=use)
            for number, name, use in DEFAULT_ACCOUNTS
        }
        for extra in wanted.chart:
            if extra.function not in {None, REVENUE, COSTS, VAT, OTHER}:
                raise ValueError(f"account {extra.number}: no use {extra.function!r}")
            self.accounts[extra.number] = extra.model_copy(update={"function": extra.function or COSTS})
        self._add_accounts()
        self.cost_centres = {centre.number: centre for centre in wanted.cost_centres}
        self.empty()

    def empty(self) -> None:
        """Empty the books; files that wait in the folder stay."""
        self.books = Books()
        self.relations: dict[str, Naw] = {}
        self.archive: set[str] = set()
        self.last_entry = 0
        self._reports: list[str] = []

    def report(self, text: str) -> None:
        """Keep the report of an import."""
        self._reports.append(text)

    def reports(self) -> list[str]:
        """Reports of imports, oldest first."""
        return list(self._reports)

    def journal_direction(self, code: str) -> Direction | Literal["unknown"] | None:
        """Which invoices a journal holds."""
        extra = self.settings.extra_journals.get(code)
        if extra is not None:
            return None if extra == "other" else Direction(extra)
        return next((direction for known, _, direction in DEFAULT_JOURNALS if known == code), "unknown")

    def keep(self, naw: Naw) -> None:
        """Store a new or changed relation, in the books too."""
        is_new = naw.number not in self.relations
        self.relations[naw.number] = naw
        now = self.stage.clock()
        before = self.books.relations[naw.role].get(naw.number)
        values = naw.values
        names = (values.get("NAW_VESTIGINGADRES/ADR_NAAM1"), values.get("NAW_VESTIGINGADRES/ADR_NAAM2"))
        self.books.relations[naw.role][naw.number] = BookedRelation(
            id=naw.number,
            code=naw.number,
            name=" ".join(name for name in names if name),
            vat_number=values.get("NAW_BTWNUMMER"),
            kvk_number=values.get("NAW_KVKNUMMER"),
            iban=values.get("NAW_BANKREKENINGEN/1/BANK_REKENINGNUMMER"),
            created_at=now if before is None else before.created_at,
            modified_at=now,
        )
        operation = f"{naw.role.value}.{'add' if is_new else 'change'}"
        self.books.arrived(operation, naw.number, naw.number, now)

    def change_settings(self, changes: Mapping[str, JsonValue]) -> None:
        """Change settings; those not named stay."""
        self.settings = KingSettings.model_validate({**self.settings.model_dump(mode="json"), **changes})
        self._add_accounts()

    def _add_accounts(self) -> None:
        for number, use in self.settings.extra_accounts.items():
            self.accounts[number] = contract.ChartAccount(
                number=number, name=f"Rekening {number}", function=use
            )

    def describe(self, url: str) -> contract.CompanyAnswer:
        """The folder is its credential and its address."""
        del url
        journals = [
            contract.Journal(code=code, name=name, direction=direction)
            for code, name, direction in DEFAULT_JOURNALS
        ]
        for code, kind in self.settings.extra_journals.items():
            direction = None if kind == "other" else Direction(kind)
            journals.append(contract.Journal(code=code, name=code, direction=direction))
        return contract.CompanyAnswer(
            company=self.id,
            package="king",
            name=self.name,
            credentials={"folder": str(self.folder)},
            urls={"folder": self.folder.as_uri()},
            identity={"administratie": self.id, "naam": self.name},
            chart=list(self.accounts.values()),
            vat_codes=[
                contract.VatCode(code=f"{code:03d}", name=name)
                for code, name in self.settings.vat_codes.items()
            ],
            journals=journals,
            cost_centres=list(self.cost_centres.values()),
            settings=TypeAdapter(dict[str, JsonValue]).validate_python(self.settings.model_dump(mode="json")),
        )
