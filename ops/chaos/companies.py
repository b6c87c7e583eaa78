"""Setting a run up: a simulated company for every administration, connected as `koppeling connect` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx
import psycopg
from psycopg.rows import TupleRow

from ledger.administrations import set_mapping
from ledger.rows import LaneKey
from ops.autoconnect import UNLIMITED
from ops.chaos.documents import FIRST_MONTH, first_invoices
from ops.chaos.schedule import Company
from ops.company_plan import CompanyPlan, company_plan
from ops.connecting import Connector
from ops.simulated_company import credentials_of
from schemas.invoice import Invoice

Credentials = Mapping[str, Mapping[str, object]]
"""What to connect with, by administration."""


def plan_of(company: Company, seed: int) -> CompanyPlan:
    """What a company needs for its sample months, which are alike but for amounts and dates."""
    invoices = [Invoice.model_validate(data) for data in first_invoices(company, seed)]
    return company_plan(company.package, invoices, {"go_live_date": FIRST_MONTH.isoformat()}, {})


def create_companies(
    control: str, companies: Sequence[Company], plans: Mapping[str, CompanyPlan]
) -> Credentials:
    """Make the companies, each under its administration's id."""
    found: dict[str, Mapping[str, object]] = {}
    with httpx.Client(timeout=30, trust_env=False) as http:
        for company in companies:
            settings = {**plans[company.administration].settings, **UNLIMITED.get(company.package, {})}
            answer = http.post(
                f"{control}/companies",
                json={
                    "package": str(company.package),
                    "id": company.administration,
                    "name": company.administration,
                    "settings": settings,
                },
            )
            answer.raise_for_status()
            found[company.administration] = credentials_of(answer.json())
    return found


async def connect_all(
    ledger: psycopg.Connection[TupleRow],
    connector: Connector,
    companies: Sequence[Company],
    plans: Mapping[str, CompanyPlan],
    credentials: Credentials,
) -> None:
    """Store each mapping, prove each credential, pin each company."""
    for company in companies:
        key = LaneKey(company.administration, company.package)
        with ledger.transaction(), ledger.cursor() as cursor:
            set_mapping(cursor, key, plans[company.administration].mapping)
        await connector.connect(ledger, key, credentials[company.administration])
