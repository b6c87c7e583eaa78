"""The rules that SnelStart holds sales and purchase bookings to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from vendors.simulation.books import Direction
from vendors.snelstart.simulator import binding, chart, problems
from vendors.snelstart.simulator.binding import BadDate
from vendors.snelstart.simulator.boeking_fields import (
    EU_FUNCTIONS,
    REVERSE_CHARGE,
    Checked,
    Line,
    VatRow,
)
from vendors.snelstart.simulator.chart import Soort
from vendors.snelstart.simulator.company import Boeking, Relatie, SnelStartCompany, local
from vendors.snelstart.simulator.problems import RuleError
from vendors.snelstart.simulator.vat_numbers import vat_country


def check(
    company: SnelStartCompany, direction: Direction, bound: dict[str, object], before: Boeking | None
) -> Checked:
    """Hold a bound booking to every rule; `before` is the booking that it replaces.

    Raises:
        Rejection: with every rule that was broken.
    """
    errors: list[RuleError | str] = []
    relation = _relation(company, direction, bound, errors)
    number = binding.string(bound, "factuurnummer") or ""
    errors.extend(_journal_errors(company, direction))
    errors.extend(_number_errors(company, direction, number, relation, before))
    booked_on = _day(company, bound, errors)
    for name, limit, code in (("boekstuk", 25, "BOE-0068"), ("omschrijving", 250, "BOE-0071")):
        if len(binding.string(bound, name) or "") > limit:
            errors.append(code)
    lines = _lines(company, direction, bound, errors)
    vat = [_vat_row(item) for item in binding.rows(bound, "btw")]
    errors.extend(_vat_errors(company, direction, lines, vat))
    if relation is not None:
        errors.extend(_eu_errors(relation, lines))
        errors.extend(_collection_errors(relation, bound))
    gross = _amount(bound, "factuurbedrag")
    charged = sum((item.amount for item in vat if item.soort not in REVERSE_CHARGE.values()), Decimal(0))
    if gross != sum((_amount(item, "bedrag") for item in binding.rows(bound, "boekingsregels")), charged):
        errors.append("BOE-0039")
    if errors:
        raise problems.business(*errors)
    assert relation is not None
    term = bound.get("betalingstermijn", relation.values.get("krediettermijn"))
    return Checked(number, relation, booked_on, gross, lines, vat, term if isinstance(term, int) else None)


def _amount(bound: Mapping[str, object], name: str) -> Decimal:
    value = bound.get(name)
    return value if isinstance(value, Decimal) else Decimal(0)


def _vat_row(item: Mapping[str, object]) -> VatRow:
    return VatRow(binding.string(item, "btwSoort") or "Geen", _amount(item, "btwBedrag"))


def _relation(
    company: SnelStartCompany,
    direction: Direction,
    bound: Mapping[str, object],
    errors: list[RuleError | str],
) -> Relatie | None:
    is_sales = direction is Direction.SALES
    identifier = binding.reference_id(bound, "klant" if is_sales else "leverancier")
    relatie = company.relaties.get(identifier or "")
    if relatie is None:
        errors.append("BOE-0060" if is_sales else "BOE-0002")
        return None
    if ("Klant" if is_sales else "Leverancier") not in relatie.sorts:
        errors.append("BOE-0060" if is_sales else "BOE-0003")
    if not relatie.is_active:
        errors.append("BOE-0054")
    return relatie


def _journal_errors(company: SnelStartCompany, direction: Direction) -> Iterable[str]:
    settings = company.settings
    if direction is Direction.SALES:
        return ["BOE-0096"] if settings.sales_journal == "missing" else []
    return {"active": [], "inactive": ["BOE-0009"], "missing": ["BOE-0010"]}[settings.purchase_journal]


def _number_errors(
    company: SnelStartCompany,
    direction: Direction,
    number: str,
    relation: Relatie | None,
    before: Boeking | None,
) -> Iterable[str]:
    if not number.strip() or len(number) > 25:
        yield "BOE-0058"
        return
    same = [
        other
        for other in company.books.numbered(direction, number)
        if before is None or other.id != before.id
    ]
    scope = "per_administration" if direction is Direction.SALES else company.settings.purchase_numbers_unique
    if scope == "per_supplier":
        same = [other for other in same if relation is not None and other.relation.id == relation.id]
    if same and scope != "no":
        yield "BOE-0021"


def _day(company: SnelStartCompany, bound: Mapping[str, object], errors: list[RuleError | str]) -> date:
    today = local(company.stage.clock()).date()
    value = bound.get("factuurdatum", today)
    if isinstance(value, BadDate) or not isinstance(value, date):
        errors.append("BOE-0070")
        return today
    settings = company.settings
    if value.year < company.book_year() - 5:
        errors.append("BOE-0033")
    if value.year in settings.blocked_years or (
        settings.closed_until is not None and value <= settings.closed_until
    ):
        errors.append("BOE-0042")
    if settings.accountant_locked_until is not None and value <= settings.accountant_locked_until:
        errors.append("BOE-0051")
    return value


def _lines(
    company: SnelStartCompany,
    direction: Direction,
    bound: Mapping[str, object],
    errors: list[RuleError | str],
) -> list[Line]:
    items = binding.rows(bound, "boekingsregels")
    if not items:
        errors.append("BOE-0023")
    lines = []
    for item in items:
        if _amount(item, "bedrag") == 0:
            errors.append("BOE-0028")
        if len(binding.string(item, "omschrijving") or "") > 250:
            errors.append("BOE-0071")
        account = _account(company, item, errors)
        if account is None:
            continue
        soort = _soort(account, binding.string(item, "btwSoort"), errors)
        centre = _cost_centre(company, direction, account, item, errors)
        description = binding.string(item, "omschrijving") or ""
        lines.append(Line(account, soort, _amount(item, "bedrag"), description, centre))
    return lines


def _account(
    company: SnelStartCompany, item: Mapping[str, object], errors: list[RuleError | str]
) -> chart.Account | None:
    identifier = binding.reference_id(item, "grootboek")
    if identifier is None:
        errors.append("BOE-0037")
        return None
    account = company.accounts.get(identifier)
    if account is None:
        errors.append("BOE-0089")
        return None
    if not account.active:
        errors.append("BOE-0008")
    if account.rules.number in {7, 8}:
        errors.append("BOE-0075")
    elif not account.rules.bookable:
        errors.append("BOE-0061")
    return account


def _soort(account: chart.Account, wanted: str | None, errors: list[RuleError | str]) -> Soort:
    allowed = account.rules.allowed
    if wanted is None and not account.rules.needs_soort:
        return allowed[0]
    if wanted is None or wanted not in {soort.value for soort in allowed}:
        errors.append(RuleError("BOE-0082", (f"{account.number} {account.name}",)))
        return Soort.GEEN
    return Soort(wanted)


def _cost_centre(
    company: SnelStartCompany,
    direction: Direction,
    account: chart.Account,
    item: Mapping[str, object],
    errors: list[RuleError | str],
) -> chart.CostCentre | None:
    identifier = binding.reference_id(item, "kostenplaats")
    if identifier is None:
        if account.cost_centre_required:
            errors.append("BOE-0022")
        return None
    centre = company.cost_centres.get(identifier)
    if centre is None:
        errors.append("BOE-0019")
    elif not centre.active:
        errors.append("BOE-0026")
    if direction is Direction.PURCHASE and account.number in company.settings.no_cost_centre_accounts:
        errors.append("BOE-0093")
    return centre


def _vat_errors(
    company: SnelStartCompany, direction: Direction, lines: Sequence[Line], vat: Sequence[VatRow]
) -> Iterable[RuleError | str]:
    names = [item.soort for item in vat]
    other_side = "InkopenVerlegd" if direction is Direction.SALES else "VerkopenVerlegd"
    if len(set(names)) < len(names) or other_side in names:
        yield "BOE-0069"
    reverse_charge = REVERSE_CHARGE[direction] in names
    mixed = [name for name in names if name not in {REVERSE_CHARGE[direction], "Geen"}]
    if reverse_charge and (mixed or any(line.soort is not Soort.GEEN for line in lines)):
        yield "BOE-0062"
    missing = [name for name in names if name in company.settings.missing_vat_rows]
    if missing:
        yield RuleError("BOE-0081", tuple(missing))
    for item in vat:
        side, soort = item.soort[:8], item.soort[8:] if item.soort.startswith("Verkopen") else item.soort[7:]
        if item.soort == "Geen" or soort == "Verlegd":
            if item.soort == "Geen" and item.amount != 0:
                yield "BOE-0069"
            continue
        of_soort = [line for line in lines if line.soort.value == soort]
        if not of_soort:
            yield "BOE-0069"
        elif side != "Verkopen" and not any(line.account.rules.is_purchase for line in of_soort):
            yield "BOE-0053"


def _eu_errors(relation: Relatie, lines: Sequence[Line]) -> Iterable[str]:
    if any(line.account.rules.number in EU_FUNCTIONS for line in lines):
        number = binding.string(relation.values, "btwNummer")
        if not number or vat_country(number) == "NL":
            yield "BOE-0080"


def _collection_errors(relation: Relatie, bound: Mapping[str, object]) -> Iterable[str]:
    once, running = bound.get("eenmaligeIncassoMachtiging"), bound.get("doorlopendeIncassoMachtiging")
    if once and running:
        yield "BOE-0064"
    if once or running:
        if not relation.values.get("iban"):
            yield "BOE-0052"
        if relation.values.get("incassoSoort", "Geen") == "Geen":
            yield "BOE-0055"
