"""One office (administration): chart, dimensions, daybooks and books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from pydantic import JsonValue

from vendors.simulation import contract
from vendors.simulation.books import BookedDocument, BookedRelation, Books, Direction
from vendors.simulation.simulator import Company, Stage
from vendors.twinfield.simulator import chart, description, matching
from vendors.twinfield.simulator.booking import Booking
from vendors.twinfield.simulator.dimension import Dimension
from vendors.twinfield.simulator.extra_vat import extra_vat_code
from vendors.twinfield.simulator.fields import Check
from vendors.twinfield.simulator.masks import next_code
from vendors.twinfield.simulator.organisation import Organisation
from vendors.twinfield.simulator.settings import TwinfieldSettings


class TwinfieldOffice(Company):
    """An office of an organisation."""

    def __init__(
        self,
        stage: Stage,
        wanted: contract.NewCompany,
        identifier: str,
        code: str,
        organisation: Organisation,
        client: tuple[str, str],
    ) -> None:
        self.settings = TwinfieldSettings.model_validate(wanted.settings)
        self.stage = stage
        self.id = identifier
        self.name = wanted.name
        self.code = code
        self.uid = stage.new_id()
        """`CompanyId`."""
        self.kvk_number, self.vat_number = wanted.kvk_number, wanted.vat_number
        self.organisation = organisation
        self.client = client
        """Id and secret of the client registration."""
        self.accounts: dict[str, chart.Account] = {}
        self.cost_centres = dict(chart.DEFAULT_COST_CENTRES)
        self.inactive_centres: set[str] = set()
        self.daybooks = {daybook.code: daybook for daybook in chart.DAYBOOKS}
        self.vat_codes: dict[str, chart.VatCode] = {}
        self._fill_chart(wanted)
        self._apply_settings()
        self.empty()

    def _fill_chart(self, wanted: contract.NewCompany) -> None:
        for account in chart.default_accounts():
            self.accounts[account.code] = account
        for extra in wanted.chart:
            kind = extra.function or "PNL"
            if kind not in {"PNL", "BAS"}:
                raise ValueError(f"account {extra.number}: {kind!r} is neither PNL nor BAS")
            self.accounts[extra.number] = chart.Account(
                extra.number,
                extra.name,
                "PNL" if kind == "PNL" else "BAS",
                cost_centre_required=extra.cost_centre_required,
                active=extra.active,
            )
        for centre in wanted.cost_centres:
            self.cost_centres[centre.number] = centre.name
            if not centre.active:
                self.inactive_centres.add(centre.number)

    def _apply_settings(self) -> None:
        settings = self.settings
        for number, kind in settings.extra_accounts.items():
            known = self.accounts.get(number)
            if known is None:
                self.accounts[number] = chart.Account(number, f"Rekening {number}", kind)
            elif known.control is None:
                self.accounts[number] = replace(known, kind=kind)
        for account in self.accounts.values():
            account.vat_obligatory = account.code in settings.vat_obligatory_accounts
        self.vat_codes = {code.code: code for code in chart.DEFAULT_VAT_CODES}
        for name, extra in settings.extra_vat_codes.items():
            self.vat_codes[name] = extra_vat_code(name, extra)

    def empty(self) -> None:
        """Empty the books; cost centres and projects are there again."""
        self.books = Books()
        self.dimensions: dict[tuple[str, str], Dimension] = {}
        self.bookings: dict[tuple[str, int], Booking] = {}
        self._used: Counter[tuple[str, str]] = Counter()
        self._by_number: dict[str, dict[tuple[str, int], Booking]] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._next_code: dict[str, int] = {}
        self.organisation.spent.clear()
        for code, name in self.cost_centres.items():
            self._add_dimension("KPL", code, name, code not in self.inactive_centres)
        self._add_projects()

    def _add_projects(self) -> None:
        for code, name in self.settings.projects.items():
            if ("PRJ", code) not in self.dimensions:
                self._add_dimension("PRJ", code, name, True)

    def _add_dimension(self, kind: str, code: str, name: str, active: bool) -> None:
        now = self.stage.clock()
        self.dimensions[kind, code] = Dimension(
            kind,
            code,
            self.stage.new_id(),
            now,
            now,
            status="active" if active else "inactive",
            plain={"name": name, "shortname": ""},
        )

    def change_settings(self, changes: Mapping[str, JsonValue]) -> None:
        """Change settings; those not named stay."""
        self.settings = TwinfieldSettings.model_validate({**self.settings.model_dump(mode="json"), **changes})
        self._apply_settings()
        self._add_projects()

    # --- what there is ---

    @property
    def check(self) -> Check:
        """How documents are checked, in the language of the user."""
        return Check(self.settings.language, self.settings.strict)

    @property
    def short_name(self) -> str:
        """The short name of the office."""
        return self.name[:20].strip()

    def relation(self, direction: Direction, code: str) -> Dimension | None:
        """The debtor of a sales or the creditor of a purchase booking."""
        return self.dimensions.get((chart.RELATION_TYPE_OF[direction], code))

    def mask(self, kind: str) -> str:
        """The mask of the codes of a dimension type."""
        return {"DEB": self.settings.debtor_mask, "CRD": self.settings.creditor_mask}.get(kind, "*")

    def new_code(self, kind: str) -> str | None:
        """The next free code of a dimension type; None when there is none."""
        start = self._next_code.get(kind, 0)
        found = next_code(self.mask(kind), lambda code: (kind, code) in self.dimensions, start)
        if found is None:
            return None
        self._next_code[kind] = found[1]
        return found[0]

    def keep(self, dimension: Dimension) -> None:
        """Store a new or changed dimension."""
        self.dimensions[dimension.type, dimension.code] = dimension
        role = chart.RELATION_TYPES.get(dimension.type)
        if role is None:
            return
        self.books.relations[role][dimension.code] = BookedRelation(
            id=dimension.code,
            code=dimension.code,
            name=dimension.name,
            vat_number=dimension.address_field("field4") or None,
            kvk_number=dimension.address_field("field5") or None,
            iban=dimension.bank_field("iban") or None,
            active=dimension.is_active,
            created_at=dimension.created,
            modified_at=dimension.modified,
        )

    def drop(self, dimension: Dimension) -> None:
        """Delete a dimension."""
        del self.dimensions[dimension.type, dimension.code]
        role = chart.RELATION_TYPES.get(dimension.type)
        if role is not None:
            del self.books.relations[role][dimension.code]

    def is_in_use(self, dimension: Dimension) -> bool:
        """Whether anything was booked on a dimension."""
        return self._used[dimension.type, dimension.code] > 0

    def book(self, booking: Booking) -> None:
        """Put a transaction in its daybook, in the place of the one with its number."""
        before = self.bookings.get(booking.key)
        if before is not None:
            self.unbook(before)
        self.bookings[booking.key] = booking
        self._by_number.setdefault(booking.invoice_number, {})[booking.key] = booking
        self._used.update(_dimensions_of(booking))

    def numbered(self, invoice_number: str) -> list[Booking]:
        """Every transaction with exactly this invoice number."""
        return list(self._by_number.get(invoice_number, {}).values())

    def unbook(self, booking: Booking) -> None:
        """Take a transaction out of its daybook."""
        del self.bookings[booking.key]
        del self._by_number[booking.invoice_number][booking.key]
        self._used.subtract(_dimensions_of(booking))

    # --- periods and numbers ---

    def has_period(self, period: str) -> bool:
        """Whether a period exists."""
        year = self.stage.clock().year
        years = self.settings.years or [year - 1, year, year + 1]
        return int(period[:4]) in years and 1 <= int(period[5:]) <= 12

    def is_closed(self, period: str) -> bool:
        """Whether a period is closed."""
        if period in self.settings.closed_periods:
            return True
        until = self.settings.closed_until
        if until is None:
            return False
        year, month = int(period[:4]), int(period[5:])
        following = date(year + month // 12, month % 12 + 1, 1)
        return (following - until).days <= 1

    def new_number(self, daybook: str, year: int) -> int:
        """The next number in a daybook."""
        last = self._numbers.get((daybook, year), 0) + 1
        self._numbers[daybook, year] = last
        return year * 100_000 + last

    # --- payments ---

    def was_paid(self, document: BookedDocument) -> None:
        """A payment was entered: match it with the transaction."""
        matching.apply_payment(self, document)

    # --- what its owner would tell ---

    def describe(self, url: str) -> contract.CompanyAnswer:
        """Credentials, addresses and master data."""
        return description.describe(self, url)


def _dimensions_of(booking: Booking) -> list[tuple[str, str]]:
    used = []
    for line in booking.lines:
        if line.type == "total" and line.dim2 and booking.direction is not None:
            used.append((chart.RELATION_TYPE_OF[booking.direction], line.dim2))
        elif line.type == "detail" and booking.direction is not None:
            used += [("KPL", line.dim2), ("PRJ", line.dim3)]
    return used
