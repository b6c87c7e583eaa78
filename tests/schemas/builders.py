"""Valid events as JSON objects, to be changed by tests; and the Kafka record of an event.

`relation(name="X")`: a change replaces a whole top-level field, `ABSENT` takes it away. `record` wraps
data in binary mode exactly as ENK publishes it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

Json = dict[str, object]
BuiltRecord = tuple[str, bytes, list[tuple[str, bytes]], bytes]

ABSENT: Final = object()
"""As the value of a change: without this field."""

_EVENT_NUMBERS = itertools.count(1)

_ADMINISTRATION = ("nl.enk.administration.changed.v1", "enk.administrations.v1")
_RELATION = ("nl.enk.relation.changed.v1", "enk.relations.v1")
_INVOICE = ("nl.enk.invoice.issued.v1", "enk.invoices.v1")


def administration(**changes: object) -> Json:
    """An administration in SnelStart that went live on 1 January 2026."""
    return _changed(
        {
            "id": "adm-1001",
            "name": "Jansen Installatietechniek B.V.",
            "package": "snelstart",
            "active": True,
            "go_live_date": "2026-01-01",
        },
        changes,
    )


def relation(**changes: object) -> Json:
    """A Dutch debtor with everything filled in."""
    return _changed(
        {
            "administration": "adm-1001",
            "id": "rel-204",
            "revision": 1,
            "number": "00204",
            "roles": ["debtor"],
            "name": "Bouwbedrijf Groeneveld B.V.",
            "search_name": "GROENEVELD",
            "kvk_number": "12345678",
            "vat_identifier": "NL004495445B01",
            "addresses": [
                {
                    "kind": "visiting",
                    "street": "Dorpsstraat",
                    "house_number": "12a",
                    "postcode": "3511 AB",
                    "city": "Utrecht",
                    "country": "NL",
                }
            ],
            "phone": "030-1234567",
            "email": "info@groeneveld.example",
            "invoice_email": "facturen@groeneveld.example",
            "website": "https://groeneveld.example",
            "contact_person": "Renée Groeneveld",
            "bank_accounts": [{"iban": "NL91ABNA0417164300", "holder": "Groeneveld", "kind": "normal"}],
            "payment_terms": {"code": "30D", "days": 30},
            "language": "nl",
            "currency": "EUR",
            "blocked": False,
        },
        changes,
    )


def line(net: str = "100.00", kind: str = "hoog", rate: str = "21", id: str = "1", **changes: object) -> Json:
    """One invoice line."""
    return _changed(
        {
            "id": id,
            "kind": "material",
            "description": "Groepenkast",
            "net_amount": net,
            "vat": {"kind": kind, "rate": rate},
            "ledger_account": "8000",
        },
        changes,
    )


def invoice(lines: Sequence[Json] | None = None, **changes: object) -> Json:
    """A sales (or `direction="purchase"`) invoice whose breakdown and totals follow from its lines."""
    lines = [line()] if lines is None else list(lines)
    purchase = changes.get("direction") == "purchase"
    base: Json = {
        "administration": "adm-1001",
        "direction": "sales",
        "id": "inv-9001",
        "revision": 1,
        "number": "20260123",
        "kind": "regie",
        "issue_date": "2026-03-31",
        "due_date": "2026-04-30",
        "currency": "EUR",
        "relation_id": "rel-204",
        "description": "Werkzaamheden maart",
        "lines": lines,
    }
    if purchase:
        del base["kind"]
        base["supplier_invoice_number"] = "F-55012"
    base |= sums(lines)
    return _changed(base, changes)


def sums(lines: Sequence[Json]) -> Json:
    """The `vat_breakdown` and `totals` of these lines."""
    rows: dict[tuple[str, str], Decimal] = {}
    for each in lines:
        vat = each["vat"]
        assert isinstance(vat, Mapping)
        key = (str(vat["kind"]), str(vat["rate"]))
        rows[key] = rows.get(key, Decimal(0)) + Decimal(str(each["net_amount"]))
    breakdown = [
        {"kind": kind, "rate": rate, "taxable_amount": f"{net:.2f}", "tax_amount": f"{_tax(net, rate):.2f}"}
        for (kind, rate), net in rows.items()
    ]
    net = sum(rows.values(), Decimal(0))
    vat_total = sum((_tax(amount, rate) for (_, rate), amount in rows.items()), Decimal(0))
    return {
        "vat_breakdown": breakdown,
        "totals": {"net": f"{net:.2f}", "vat": f"{vat_total:.2f}", "gross": f"{net + vat_total:.2f}"},
    }


def record(
    data: Mapping[str, object],
    *,
    event_id: str | None = None,
    key: str | None = None,
    time: str = "2026-03-31T09:15:00Z",
    **headers: str | None,
) -> BuiltRecord:
    """Topic, key, headers and value of an event in binary mode.

    Further keyword arguments replace headers (`ce_type="…"`, `content_type="…"`), None leaves one out.
    """
    type_, topic = _event_of(data)
    own = str(data.get("administration", data.get("id")))
    values: dict[str, str | None] = {
        "ce_specversion": "1.0",
        "ce_id": event_id or f"evt-{next(_EVENT_NUMBERS)}",
        "ce_source": "/enk",
        "ce_type": type_,
        "ce_time": time,
        "ce_subject": str(data.get("id")),
        "ce_partitionkey": own if key is None else key,
        "ce_correlationid": "cor-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "content-type": "application/json",
    }
    values |= {name.replace("content_type", "content-type"): value for name, value in headers.items()}
    return (
        topic,
        (own if key is None else key).encode(),
        [(name, value.encode()) for name, value in values.items() if value is not None],
        json.dumps(data, ensure_ascii=False).encode(),
    )


def cloud_event(data: Mapping[str, object], **attributes: object) -> Json:
    """The event as one JSON object (CloudEvents JSON format), as in `koppeling publish FILE`."""
    type_, _ = _event_of(data)
    return _changed(
        {
            "specversion": "1.0",
            "id": f"evt-{next(_EVENT_NUMBERS)}",
            "source": "/enk",
            "type": type_,
            "time": "2026-03-31T09:15:00Z",
            "partitionkey": data.get("administration", data.get("id")),
            "datacontenttype": "application/json",
            "data": dict(data),
        },
        attributes,
    )


def _event_of(data: Mapping[str, object]) -> tuple[str, str]:
    if "package" in data:
        return _ADMINISTRATION
    return _RELATION if "roles" in data else _INVOICE


def _tax(net: Decimal, rate: str) -> Decimal:
    return (net * Decimal(rate) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _changed(base: Json, changes: Mapping[str, object]) -> Json:
    return {name: value for name, value in (base | dict(changes)).items() if value is not ABSENT}
