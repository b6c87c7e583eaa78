"""A SOAP client that knows nothing but the descriptions that the simulated Twinfield serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zeep
import zeep.exceptions

from tests.vendors.twinfield.foreign_client import Client, connected


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with connected() as client:
        yield client


async def bound(client: Client, service: str, port: str) -> Any:
    def load() -> Any:
        described = zeep.Client(f"{client.cluster}/webservices/{service.lower()}.asmx?wsdl")
        return described.bind(service, port)

    return await asyncio.to_thread(load)


def header(client: Client) -> dict[str, dict[str, str]]:
    return {"Header": {"AccessToken": client.token, "CompanyCode": client.office}}


@pytest.mark.parametrize("port", ["ProcessXmlSoap", "ProcessXmlSoap12"])
async def test_a_document_is_processed(client: Client, port: str) -> None:
    service = await bound(client, "ProcessXml", port)
    answer = await asyncio.to_thread(service.ProcessXmlString, client.debtor(), _soapheaders=header(client))
    assert answer.startswith('<dimension status="active" result="1">')
    assert "<code>10023</code>" in answer


@pytest.mark.parametrize(
    ("port", "sender"), [("ProcessXmlSoap", "soap:Client"), ("ProcessXmlSoap12", "soap:Sender")]
)
async def test_a_fault_has_code_message_and_detail(client: Client, port: str, sender: str) -> None:
    service = await bound(client, "ProcessXml", port)
    await client.settings(access_code=110)
    with pytest.raises(zeep.exceptions.Fault) as raised:
        await asyncio.to_thread(service.ProcessXmlString, client.debtor(), _soapheaders=header(client))
    assert raised.value.code == sender
    assert raised.value.message == "Aanmelden is niet toegestaan."
    detail = raised.value.detail
    assert [detail.findtext(tag) for tag in ("message", "code", "source")] == [
        "Aanmelden is niet toegestaan.",
        "110",
        "ProcessXmlString",
    ]


@pytest.mark.parametrize("port", ["FinderSoap", "FinderSoap12"])
async def test_a_search_gives_rows_and_refusals(client: Client, port: str) -> None:
    service = await bound(client, "Finder", port)

    def search(kind: str, **options: str) -> Any:
        return service.Search(
            type=kind,
            pattern="Omzet diensten*",
            field=2,
            firstRow=2,
            maxRows=2,
            options={"ArrayOfString": [{"string": list(pair)} for pair in options.items()]},
            _soapheaders=header(client),
        )

    found = await asyncio.to_thread(search, "DIM", dimtype="PNL", office=client.office)
    assert found.SearchResult is None
    assert found.data.TotalRows == 5
    assert [row.string for row in found.data.Items.ArrayOfString] == [
        ["8210", "Omzet diensten laag"],
        ["8240", "Omzet diensten onbelast"],
    ]
    refused = await asyncio.to_thread(search, "DIM")
    [message] = refused.SearchResult.MessageOfErrorCodes
    assert (message.Type, message.Code, message.Parameters.string) == (
        "Error",
        "OptionMandatory",
        ["dimtype"],
    )
