"""A month of one installation company as ENK publishes it, for the demo and the benchmarks.

`sample_month` is what goes well: the administration, twelve relations, and forty invoices of all six kinds,
purchases, credits, verlegd, G-account, several rates, negative lines and diacritics. `bad_extras` is what
does not, or not at once. Both give objects that `koppeling publish` takes, and the same ones for the same
arguments.
"""

from __future__ import annotations

import base64
import random
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ops.sample_plan import HOOG, LABOUR, MATERIAL, PLANS, Line, Plan
from ops.sample_relations import OWN_G_ACCOUNT, RELATIONS, Json, Party, relation_id
from schemas.event_kind import TYPE_OF_KIND, EventKind
from schemas.invoice import VatKind
from schemas.outcome import Package
from schemas.topics import ENK_INVOICES

SOURCE = "/enk/sample"
CENT = Decimal("0.01")
RATES = {VatKind.HOOG: 21, VatKind.LAAG: 9}


def sample_month(administration_id: str, package: Package, seed: int, month: date) -> list[Json]:
    """The month in the order in which ENK publishes it: administration, relations, invoices by date."""
    company = _Company(administration_id, package, seed, month)
    return [company.administration(), *company.relations(), *company.invoices()]


def bad_extras(administration_id: str, package: Package, seed: int, month: date) -> dict[str, list[Json]]:
    """What goes wrong in practice, by name, to be published after the month.

    `invoice_before_relation` and `repeated_event` end well by themselves; `unknown_ledger_account` needs the
    bookkeeper (King reads no chart before the import, so there it is an account that no King can hold);
    `unreadable_record` is rejected.
    """
    company = _Company(administration_id, package, seed, month)
    return {
        "unknown_ledger_account": [company.with_unknown_account()],
        "invoice_before_relation": company.before_its_relation(),
        "repeated_event": [company.invoices()[0]],
        "unreadable_record": [
            {
                "raw": {
                    "topic": ENK_INVOICES,
                    "key": administration_id,
                    "headers": {"content-type": "application/json"},
                    "value_base64": base64.b64encode(b'{"administration": "' + b"\xff\xfe").decode(),
                }
            }
        ],
    }


class _Company:
    """One company's month, drawn once."""

    def __init__(self, administration: str, package: Package, seed: int, month: date) -> None:
        self._administration = administration
        self._package = package
        self._first = month.replace(day=1)
        self._days = monthrange(month.year, month.month)[1]
        self._random = random.Random(f"{seed}/{administration}/{self._first}")
        self._invoices = self._drawn(PLANS)

    def administration(self) -> Json:
        """The company itself; it goes live on the first of the month."""
        data: Json = {
            "id": self._administration,
            "name": f"Installatiebedrijf Brûlé {self._administration}",
            "package": self._package.value,
            "active": True,
            "go_live_date": self._first.isoformat(),
        }
        return self._event(EventKind.ADMINISTRATION, data, self._first, 1)

    def relations(self) -> list[Json]:
        """All relations, as when an administration is connected."""
        return [
            self._event(EventKind.RELATION, relation.data(self._administration, place), self._first, place)
            for place, relation in enumerate(RELATIONS, start=1)
        ]

    def invoices(self) -> list[Json]:
        """The forty invoices by date."""
        return [
            self._event(EventKind.INVOICE, data, date.fromisoformat(str(data["issue_date"])), place)
            for place, data in enumerate(self._invoices, start=1)
        ]

    def with_unknown_account(self) -> Json:
        """An invoice on an account that the package does not have."""
        account = "8000 Onderhoud en service noord" if self._package is Package.KING else "8999"
        line = Line("labour", "Arbeid op onbekende rekening", account, HOOG, 100, 900, "uur")
        plan = Plan("regie", Party.PRIVATE, "Onbekende rekening", (line,))
        return self._event(
            EventKind.INVOICE, self._invoice(plan, 901, self._last_day(), ()), self._last_day(), 901
        )

    def before_its_relation(self) -> list[Json]:
        """An invoice, and only then the relation that it is for."""
        plan = Plan("regie", Party.PRIVATE, "Factuur vóór haar relatie", (LABOUR, MATERIAL))
        invoice = self._invoice(plan, 902, self._last_day(), ()) | {"relation_id": "rel-late"}
        base = next(relation for relation in RELATIONS if relation.party is Party.PRIVATE)
        relation = base.data(self._administration, 99) | {"id": "rel-late", "name": "Zoë Façade"}
        return [
            self._event(EventKind.INVOICE, invoice, self._last_day(), 902),
            self._event(EventKind.RELATION, relation, self._last_day(), 903),
        ]

    def _last_day(self) -> date:
        return self._first.replace(day=self._days)

    def _drawn(self, plans: Sequence[Plan]) -> list[Json]:
        days = sorted(self._random.randint(1, self._days) for _ in plans)
        normal = [place for place, plan in enumerate(plans) if plan.credit_of is None]
        self._random.shuffle(normal)
        order = normal + [place for place, plan in enumerate(plans) if plan.credit_of is not None]
        made: dict[int, Json] = {}
        for number, (day, place) in enumerate(zip(days, order, strict=True), start=1):
            plan = plans[place]
            credited = () if plan.credit_of is None else (made[plan.credit_of],)
            made[place] = self._invoice(plan, number, self._first.replace(day=day), credited)
        return [made[place] for place in order]

    def _invoice(self, plan: Plan, number: int, issued: date, credited: Sequence[Json]) -> Json:
        purchase = plan.kind is None
        lines = [self._line(line, place) for place, line in enumerate(plan.lines, start=1)]
        for original in credited:
            lines = _reversed(original)
        sums = _sums(lines)
        days = next(relation.days for relation in RELATIONS if relation.party is plan.party)
        own_number = f"{self._first:%Y%m}{number:04d}"
        data: Json = {
            "administration": self._administration,
            "direction": "purchase" if purchase else "sales",
            "id": f"inv-{own_number}",
            "revision": 1,
            "number": f"I{own_number}" if purchase else own_number,
            "issue_date": issued.isoformat(),
            "due_date": (issued + timedelta(days=days)).isoformat(),
            "currency": "EUR",
            "relation_id": relation_id(plan.party),
            "description": plan.description,
            "lines": lines,
            **sums,
            **plan.extra,
        }
        if purchase:
            data["supplier_invoice_number"] = (
                f"{plan.party.value[:3].upper()}-{self._first:%Y}/{88_000 + number}"
            )
        else:
            data["kind"] = plan.kind
            data["payment_reference"] = f"700000{own_number}"
        self._add_details(data, plan, issued)
        for original in credited:
            data["credits_invoice_number"] = original["supplier_invoice_number" if purchase else "number"]
        return data

    def _add_details(self, data: Json, plan: Plan, issued: date) -> None:
        if plan.werk is not None:
            number, name = plan.werk
            data["werk"] = {"number": number.format(year=self._first.year), "name": name}
            data["quote_numbers"] = [f"OFF-{self._first:%Y}-{number[-3:]}"]
        if plan.term is not None:
            data["term"] = {"index": plan.term[0], "of": plan.term[1], "percentage": "25"}
        if plan.g_percentage is not None:
            totals = data["totals"]
            assert isinstance(totals, dict)
            amount = _cents(Decimal(str(totals["gross"])) * plan.g_percentage / 100)
            theirs = next(relation.g_account for relation in RELATIONS if relation.party is plan.party)
            iban = OWN_G_ACCOUNT if plan.kind else theirs
            data["g_account"] = {
                "iban": iban,
                "amount": f"{amount:.2f}",
                "percentage": str(plan.g_percentage),
            }
            period = {"from": (issued - timedelta(days=13)).isoformat(), "to": issued.isoformat()}
            data["work_period"] = period

    def _line(self, line: Line, place: int) -> Json:
        amount = Decimal(self._random.randint(line.least * 100, line.most * 100)) * CENT
        data: Json = {
            "id": str(place),
            "kind": line.kind,
            "description": line.description,
            "net_amount": f"{amount:.2f}",
            "vat": {"kind": line.vat.value, "rate": str(RATES.get(line.vat, 0))},
            "ledger_account": line.account,
            "cost_centre": str(self._random.randint(1, 3)),
        }
        if line.unit is not None:
            data |= {"quantity": str(self._random.randint(1, 40)), "unit": line.unit}
        return data

    def _event(self, kind: EventKind, data: Json, day: date, place: int) -> Json:
        return {
            "specversion": "1.0",
            "id": f"{self._administration}-{self._first:%Y%m}-{kind.value}-{place:04d}",
            "source": SOURCE,
            "type": TYPE_OF_KIND[kind],
            "time": f"{day.isoformat()}T{8 + place // 6 % 10:02d}:{place % 6 * 10:02d}:00Z",
            "subject": data["id"],
            "partitionkey": self._administration,
            "datacontenttype": "application/json",
            "data": data,
        }


def _sums(lines: Sequence[Json]) -> Json:
    """Breakdown and totals of the lines, VAT reckoned per kind and rate as ENK does."""
    taxable: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        vat = line["vat"]
        assert isinstance(vat, dict)
        key = (vat["kind"], vat["rate"])
        taxable[key] = taxable.get(key, Decimal(0)) + Decimal(str(line["net_amount"]))
    tax = {key: _cents(net * Decimal(key[1]) / 100) for key, net in taxable.items()}
    net, vat_total = sum(taxable.values(), Decimal(0)), sum(tax.values(), Decimal(0))
    return {
        "vat_breakdown": [
            {
                "kind": kind,
                "rate": rate,
                "taxable_amount": f"{taxable[kind, rate]:.2f}",
                "tax_amount": f"{tax[kind, rate]:.2f}",
            }
            for kind, rate in taxable
        ],
        "totals": {"net": f"{net:.2f}", "vat": f"{vat_total:.2f}", "gross": f"{net + vat_total:.2f}"},
    }


def _reversed(original: Json) -> list[Json]:
    """The lines of an invoice with their signs turned."""
    lines = original["lines"]
    assert isinstance(lines, list)
    return [line | {"net_amount": f"{-Decimal(line['net_amount']):.2f}"} for line in lines]


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
