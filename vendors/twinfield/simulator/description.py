"""What the owner of an office would tell: credentials, addresses, identity and master data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import JsonValue, TypeAdapter

from vendors.simulation import contract

if TYPE_CHECKING:
    from vendors.twinfield.simulator.office import TwinfieldOffice


def describe(office: TwinfieldOffice, url: str) -> contract.CompanyAnswer:
    """Credentials, addresses and master data."""
    login = f"{url}/login/auth/authentication/connect"
    return contract.CompanyAnswer(
        company=office.id,
        package="twinfield",
        name=office.name,
        credentials={
            "client_id": office.client[0],
            "client_secret": office.client[1],
            "refresh_token": office.organisation.refresh_tokens[0]
            if office.organisation.refresh_tokens
            else "",
            "office": office.code,
        },
        urls={
            "login_url": f"{url}/login",
            "authorize_url": f"{login}/authorize",
            "token_url": f"{login}/token",
            "validation_url": f"{login}/accesstokenvalidation",
            "cluster_url": f"{url}/{office.settings.cluster}",
        },
        identity={
            "id": f"{office.organisation.code}/{office.code}",
            "organisationCode": office.organisation.code,
            "organisationId": office.organisation.id,
            "organisationUserCode": office.organisation.user,
            "office": office.code,
            "companyId": office.uid,
            "name": office.name,
        },
        chart=[
            contract.ChartAccount(
                number=account.code,
                name=account.name,
                function=account.kind,
                cost_centre_required=account.cost_centre_required,
                active=account.active,
            )
            for account in office.accounts.values()
        ],
        vat_codes=[
            contract.VatCode(code=code.code, name=code.name, rate=f"{code.percentages[-1][1]}")
            for code in office.vat_codes.values()
        ],
        journals=[
            contract.Journal(code=daybook.code, name=daybook.name, direction=daybook.direction)
            for daybook in office.daybooks.values()
        ],
        cost_centres=[
            contract.CostCentre(number=code, name=name, active=code not in office.inactive_centres)
            for code, name in office.cost_centres.items()
        ],
        settings=TypeAdapter(dict[str, JsonValue]).validate_python(office.settings.model_dump(mode="json")),
    )
