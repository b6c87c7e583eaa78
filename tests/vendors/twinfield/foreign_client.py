"""Twinfield driven as a foreign client would: by httpx, from what is published about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import httpx
from lxml import etree

from tests.vendors.simulation.driving import Control, Hands, Json, serving

TWINFIELD = "http://www.twinfield.com/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass
class Client:
    """A client with the credentials of one office."""

    control: Control
    company: Json
    http: httpx.AsyncClient
    clock: Hands
    token: str = ""
    cluster: str = ""
    last: httpx.Response | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        return str(self.company["company"])

    @property
    def office(self) -> str:
        return str(self.company["credentials"]["office"])

    async def ask_token(self, **form: str) -> httpx.Response:
        given = self.company["credentials"]
        return await self.http.post(
            self.company["urls"]["token_url"],
            data=form or {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]},
            auth=(given["client_id"], given["client_secret"]),
        )

    async def log_in(self) -> None:
        answer = await self.ask_token()
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        self.cluster = (await self.validate()).json()["twf.clusterUrl"]

    async def validate(self) -> httpx.Response:
        return await self.http.get(self.company["urls"]["validation_url"], params={"token": self.token})

    async def settings(self, **changes: Any) -> None:
        await self.control.ask("POST", "settings", {"company": self.id, "settings": changes})

    async def post(
        self,
        body: str,
        *,
        service: str = "processxml",
        action: str = "ProcessXmlString",
        company: str | None = None,
        header: str | None = None,
        content_type: str = "text/xml; charset=utf-8",
    ) -> httpx.Response:
        if header is None:
            header = (
                f'<Header xmlns="{TWINFIELD}"><AccessToken>{self.token}</AccessToken>'
                f"<CompanyCode>{self.office if company is None else company}</CompanyCode>"
                f'<CompanyId xsi:nil="true"/></Header>'
            )
        envelope = (
            f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:xsi="{XSI}"><soap:Header>{header}</soap:Header>'
            f"<soap:Body>{body}</soap:Body></soap:Envelope>"
        )
        self.last = await self.http.post(
            f"{self.cluster}/webservices/{service}.asmx",
            content=envelope.encode(),
            headers={"Content-Type": content_type, "SOAPAction": f'"{TWINFIELD}{action}"'},
        )
        return self.last

    async def send(self, document: str, **options: Any) -> httpx.Response:
        inner = f"<xmlRequest>{escape(document)}</xmlRequest>"
        return await self.post(f'<ProcessXmlString xmlns="{TWINFIELD}">{inner}</ProcessXmlString>', **options)

    async def process(self, document: str) -> etree._Element:
        answer = await self.send(document)
        assert answer.status_code == 200, (answer.status_code, answer.reason_phrase, answer.text)
        result = etree.fromstring(answer.content).find(f".//{{{TWINFIELD}}}ProcessXmlStringResult")
        assert result is not None
        return etree.fromstring((result.text or "").encode())

    async def find(
        self, kind: str, pattern: str = "*", field: int = 0, first: int = 1, most: int = 100, **options: str
    ) -> etree._Element:
        pairs = "".join(
            f"<ArrayOfString><string>{name}</string><string>{value}</string></ArrayOfString>"
            for name, value in options.items()
        )
        answer = await self.post(
            f'<Search xmlns="{TWINFIELD}"><type>{kind}</type><pattern>{escape(pattern)}</pattern>'
            f"<field>{field}</field><firstRow>{first}</firstRow><maxRows>{most}</maxRows>"
            f"<options>{pairs}</options></Search>",
            service="finder",
            action="Search",
        )
        assert answer.status_code == 200, answer.text
        found = etree.fromstring(answer.content).find(f".//{{{TWINFIELD}}}SearchResponse")
        assert found is not None
        return found

    async def found(self, kind: str, pattern: str = "*", field: int = 0, **options: Any) -> list[list[str]]:
        answer = await self.find(kind, pattern, field, **options)
        rows = answer.findall(f".//{{{TWINFIELD}}}Items/{{{TWINFIELD}}}ArrayOfString")
        return [[item.text or "" for item in row] for row in rows]

    # --- documents ---

    def debtor(self, code: str | None = "10023", name: str = "Bakkerij De Korenaar B.V.", **more: str) -> str:
        return self.dimension("DEB", code, name, **more)

    def dimension(
        self, kind: str, code: str | None, name: str | None, inside: str = "", status: str | None = None
    ) -> str:
        attribute = f' status="{status}"' if status else ""
        shown = "" if code is None else f"<code>{code}</code>"
        named = "" if name is None else f"<name>{escape(name)}</name>"
        return (
            f"<dimension{attribute}><office>{self.office}</office><type>{kind}</type>{shown}{named}"
            f"{inside}</dimension>"
        )

    async def make(self, kind: str = "DEB", code: str | None = "10023", inside: str = "") -> str:
        """A relation; its code."""
        answer = await self.process(
            self.dimension(kind, code, "Bakkerij De Korenaar B.V." if kind == "DEB" else "Van Dijk", inside)
        )
        assert answer.get("result") == "1", etree.tostring(answer)
        return answer.findtext("code") or ""

    def transaction(
        self,
        lines: str,
        *,
        daybook: str = "VRK",
        number: str | None = "2026-0412",
        date: str = "20260312",
        attributes: str = 'destiny="temporary"',
        header: str = "",
    ) -> str:
        invoice = "" if number is None else f"<invoicenumber>{number}</invoicenumber>"
        return (
            f"<transaction {attributes}><header><office>{self.office}</office><code>{daybook}</code>"
            f"<currency>EUR</currency><date>{date}</date>{invoice}{header}</header>"
            f"<lines>{lines}</lines></transaction>"
        )

    def sale(self, number: str | None = "2026-0412", relation: str = "10023", **options: Any) -> str:
        lines = total(relation, "121.00") + detail("8000", "100.00", "VH", "21.00")
        return self.transaction(lines, number=number, **options)

    def purchase(self, number: str = "88123", relation: str = "20005", **options: Any) -> str:
        lines = total(relation, "121.00", "credit") + detail("7000", "100.00", "IH", "21.00", "debit")
        return self.transaction(lines, number=number, daybook="INK", **options)

    async def book(self, document: str) -> str:
        """Book; the number that Twinfield gave."""
        answer = await self.process(document)
        assert answer.get("result") == "1", etree.tostring(answer)
        return answer.findtext(".//header/number") or ""

    async def browse(self, *columns: str, code: str = "100", attributes: str = "") -> etree._Element:
        return await self.process(f'<columns code="{code}"{attributes}>{"".join(columns)}</columns>')


def total(relation: str, value: str, side: str = "debit", more: str = "") -> str:
    return (
        f'<line type="total" id="1"><dim2>{relation}</dim2><debitcredit>{side}</debitcredit>'
        f"<value>{value}</value>{more}</line>"
    )


def detail(
    account: str,
    value: str,
    vat: str | None = None,
    vat_value: str | None = None,
    side: str = "credit",
    more: str = "",
    id: str = "2",
) -> str:
    code = "" if vat is None else f"<vatcode>{vat}</vatcode>"
    amount = "" if vat_value is None else f"<vatvalue>{vat_value}</vatvalue>"
    return (
        f'<line type="detail" id="{id}"><dim1>{account}</dim1><debitcredit>{side}</debitcredit>'
        f"<value>{value}</value>{code}{amount}{more}</line>"
    )


def column(field: str, operator: str = "none", low: str = "", high: str = "", *, visible: bool = True) -> str:
    return (
        f"<column><field>fin.trs.{field}</field><label>x</label>"
        f"<visible>{str(visible).lower()}</visible><ask>{str(operator != 'none').lower()}</ask>"
        f"<operator>{operator}</operator><from>{low}</from><to>{high}</to></column>"
    )


def messages(answer: etree._Element) -> dict[str, str]:
    """What is said, by the element that it is said on."""
    return {element.tag: element.get("msg", "") for element in answer.iter() if element.get("msg")}


def rows(answer: etree._Element) -> list[dict[str, str]]:
    """The rows of a browse, by field."""
    assert answer.get("result") == "1", etree.tostring(answer)
    return [
        {(cell.get("field") or "").removeprefix("fin.trs."): cell.text or "" for cell in row.findall("td")}
        for row in answer.findall("tr")
    ]


@asynccontextmanager
async def connected(**wanted: Any) -> AsyncIterator[Client]:
    """A client of a new office, logged in."""
    clock = Hands()
    async with serving("twinfield", clock=clock) as (_, control):
        client = Client(control, await control.company("twinfield", **wanted), control.http, clock)
        await client.log_in()
        yield client
