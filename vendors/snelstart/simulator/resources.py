"""The resources of B2B API v2 that the simulator has: route, scopes, answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from vendors.simulation.books import Direction
from vendors.snelstart.simulator import (
    boekingen,
    chart,
    documenten,
    facturen,
    kostenplaatsen,
    odata,
    problems,
    relatie_fields,
    relaties,
)
from vendors.snelstart.simulator.asked import Answer, Asked, Route
from vendors.snelstart.simulator.company import EXAMPLE_MOMENT, Relatie, local

_ACCOUNT_EXAMPLE = {
    **chart.Account(chart.COUNTRY_IDS["NL"], 1, "x", chart.COSTS, False, True, local(EXAMPLE_MOMENT)).row(),
    "vatRateCode": "x",
}
_ACCOUNT_TYPE = "SnelStart.B2B.Api.V2.Models.Grootboeken.GrootboekModel"
_RELATION_EXAMPLE = relatie_fields.example()
_INVOICE_EXAMPLES = {direction: facturen.example(direction) for direction in Direction}


def _echo(asked: Asked) -> Answer:
    word = "/".join(asked.parts)
    return (200, word) if word else (204, None)


def _company_info(asked: Asked) -> Answer:
    return 200, asked.company.company_info()


def _relations(asked: Asked) -> Answer:
    page = odata.read_options(asked.query, _RELATION_EXAMPLE, relatie_fields.TYPE_NAME)
    code = page.filter.equals.get("Relatiecode") if page.filter is not None else None
    company = asked.company
    found: Iterable[Relatie] = company.relaties.values()
    if isinstance(code, int):
        identifier = company.codes.get(code)
        found = [] if identifier is None else [company.relaties[identifier]]
    return 200, odata.page_of((relatie_fields.row(relatie) for relatie in found), page)


def _relation(asked: Asked) -> Answer:
    relatie = asked.company.relaties.get(asked.id)
    if relatie is None or not relatie.is_active:
        raise problems.business("REL-0005", status=404)
    return 200, relatie_fields.row(relatie)


def _create_relation(asked: Asked) -> Answer:
    return 201, relatie_fields.row(relaties.create(asked.company, asked.body))


def _update_relation(asked: Asked) -> Answer:
    return 200, relatie_fields.row(relaties.update(asked.company, asked.id, asked.body))


def _delete_relation(asked: Asked) -> Answer:
    relaties.delete(asked.company, asked.id)
    return 200, None


def _bookings_of_relation(direction: Direction) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        relatie = asked.company.relaties.get(asked.id)
        if relatie is None:
            raise problems.business("REL-0005", status=404)
        return 200, [
            boekingen.row(boeking)
            for boeking in asked.company.boekingen.values()
            if boeking.direction is direction and boeking.relation_id == relatie.id
        ]

    return answer


def _booking(direction: Direction) -> Callable[[Asked], Answer]:
    return lambda asked: (200, boekingen.row(boekingen.find(asked.company, direction, asked.id)))


def _create_booking(direction: Direction) -> Callable[[Asked], Answer]:
    return lambda asked: (201, boekingen.row(boekingen.create(asked.company, direction, asked.body)))


def _update_booking(direction: Direction) -> Callable[[Asked], Answer]:
    return lambda asked: (
        200,
        boekingen.row(boekingen.update(asked.company, direction, asked.id, asked.body)),
    )


def _delete_booking(direction: Direction) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        boekingen.delete(asked.company, direction, asked.id)
        return 200, None

    return answer


def _invoices(direction: Direction) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        page = odata.read_options(asked.query, _INVOICE_EXAMPLES[direction], facturen.TYPE_NAMES[direction])
        found = facturen.candidates(asked.company, direction, page)
        return 200, odata.page_of((facturen.row(boeking) for boeking in found), page)

    return answer


def _sales_invoice(asked: Asked) -> Answer:
    boeking = asked.company.facturen.get(asked.id)
    if boeking is None or boeking.direction is not Direction.SALES:
        raise problems.Rejection(404, {"Message": "De verkoopfactuur is niet gevonden."}, detail="no invoice")
    return 200, facturen.row(boeking)


def _accounts(asked: Asked) -> Answer:
    page = odata.read_options(asked.query, _ACCOUNT_EXAMPLE, _ACCOUNT_TYPE)
    return 200, odata.page_of((account.row() for account in asked.company.accounts.values()), page)


def _account(asked: Asked) -> Answer:
    account = asked.company.accounts.get(asked.id)
    if account is None:
        raise problems.business("BOE-0089", status=404)
    return 200, account.row()


def _vat_rates(_asked: Asked) -> Answer:
    return 200, chart.vat_rate_rows()


def _journals(asked: Asked) -> Answer:
    """The vendor ignores a filter here without a word."""
    return 200, [
        {
            "id": identifier,
            "nummer": number,
            "omschrijving": name,
            "soort": sort,
            "nonactief": False,
            "uri": f"/dagboeken/{identifier}",
        }
        for identifier, number, name, sort in asked.company.journals
    ]


def _countries(_asked: Asked) -> Answer:
    """The vendor ignores a filter here without a word."""
    return 200, chart.country_rows()


def _country(asked: Asked) -> Answer:
    for row in chart.country_rows():
        if row["id"] == asked.id:
            return 200, row
    raise problems.Rejection(404, {"Message": "Het land is niet gevonden."}, detail="no country")


_SALES, _PURCHASE = Direction.SALES, Direction.PURCHASE

ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "echo"): Route((), _echo),
    ("GET", "echo/id"): Route((), _echo),
    ("GET", "companyinfo"): Route(("settings:read",), _company_info),
    ("GET", "relaties"): Route(("relaties:read",), _relations),
    ("POST", "relaties"): Route(("relaties:write",), _create_relation),
    ("GET", "relaties/id"): Route(("relaties:read",), _relation),
    ("PUT", "relaties/id"): Route(("relaties:write",), _update_relation),
    ("DELETE", "relaties/id"): Route(("relaties:write",), _delete_relation),
    ("GET", "relaties/id/verkoopboekingen"): Route(
        ("relaties:read", "boekhouden:read"), _bookings_of_relation(_SALES)
    ),
    ("GET", "relaties/id/inkoopboekingen"): Route(
        ("relaties:read", "boekhouden:read"), _bookings_of_relation(_PURCHASE)
    ),
    ("POST", "verkoopboekingen"): Route(("boekhouden:write",), _create_booking(_SALES)),
    ("GET", "verkoopboekingen/id"): Route(("boekhouden:read",), _booking(_SALES)),
    ("PUT", "verkoopboekingen/id"): Route(("boekhouden:write",), _update_booking(_SALES)),
    ("DELETE", "verkoopboekingen/id"): Route(("boekhouden:write",), _delete_booking(_SALES)),
    ("POST", "inkoopboekingen"): Route(("boekhouden:write",), _create_booking(_PURCHASE)),
    ("GET", "inkoopboekingen/id"): Route(("boekhouden:read",), _booking(_PURCHASE)),
    ("PUT", "inkoopboekingen/id"): Route(("boekhouden:write",), _update_booking(_PURCHASE)),
    ("DELETE", "inkoopboekingen/id"): Route(("boekhouden:write",), _delete_booking(_PURCHASE)),
    ("GET", "verkoopfacturen"): Route(("orders:read",), _invoices(_SALES)),
    ("GET", "verkoopfacturen/id"): Route(("orders:read",), _sales_invoice),
    ("GET", "inkoopfacturen"): Route(("orders:read",), _invoices(_PURCHASE)),
    ("GET", "grootboeken"): Route(("boekhouden:read",), _accounts),
    ("GET", "grootboeken/id"): Route(("boekhouden:read",), _account),
    ("GET", "dagboeken"): Route(("boekhouden:read",), _journals),
    ("GET", "btwtarieven"): Route(("settings:read",), _vat_rates),
    ("GET", "landen"): Route(("settings:read",), _countries),
    ("GET", "landen/id"): Route(("settings:read",), _country),
    ("GET", "kostenplaatsen"): Route(("settings:read",), kostenplaatsen.list_all),
    ("GET", "kostenplaatsen/id"): Route(("settings:read",), kostenplaatsen.get_one),
    ("POST", "kostenplaatsen"): Route(("settings:write",), kostenplaatsen.create),
    ("POST", "documenten/id"): Route(("boekhouden:write", "documenten:write"), documenten.attach),
}
"""Method and shape of the path → what is behind it; as in the vendor's API, no purchase invoice by id."""
