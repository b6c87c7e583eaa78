"""What goes over the wire to Twinfield, and what its answers become."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pytest
from lxml import etree
from pydantic import SecretStr

from schemas.outcome import Code
from tests.vendors.twinfield.test_auth import REFRESH, app, no_wait
from tests.vendors.twinfield.test_errors import FAULT
from tests.vendors.wire_server import Received, WireServer, answer, cut, serving
from vendors.failure import NotSent, Refused, Uncertain
from vendors.pacing import Pacer
from vendors.transport import Transport
from vendors.twinfield.auth import TokenSource
from vendors.twinfield.browse import Column, between, equal
from vendors.twinfield.client import TwinfieldClient
from vendors.twinfield.models import BookingKey, DimensionType, Lines, Side
from vendors.twinfield.wire import element, leaf

TNS = "{http://www.twinfield.com/}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
BOOKED = (
    '<transactions result="1"><transaction result="1" location="temporary"><header><code>VRK</code>'
    "<number>202600123</number><period>2026/03</period></header></transaction></transactions>"
)


class Credits(Pacer):
    """Remembers what each call cost."""

    def __init__(self) -> None:
        super().__init__(sleep=no_wait)
        self.costs: list[int] = []

    def slot(self, *, background: bool = False, cost: int = 1) -> Any:
        self.costs.append(cost)
        return super().slot(background=background, cost=cost)


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    async with serving() as server:
        yield server


@pytest.fixture
def pacer() -> Credits:
    return Credits()


@pytest.fixture
async def client(wire: WireServer, pacer: Credits) -> AsyncIterator[TwinfieldClient]:
    async with Transport(sleep=no_wait) as transport:
        tokens = TokenSource(transport, app(wire), SecretStr(REFRESH), lambda: 0.0)
        yield TwinfieldClient(transport, pacer, tokens, "ENK001")


def will(wire: WireServer, *reactions: Any) -> None:
    """A token first, its cluster being the server itself; then these."""
    wire.will(*login(wire), *reactions)


def login(wire: WireServer, value: str = "t1") -> tuple[Any, Any]:
    given = answer(200, {"access_token": value, "expires_in": 3600})
    return given, answer(200, {"twf.organisationCode": "ORG", "twf.clusterUrl": wire.url})


def xml(document: str) -> Any:
    body = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        '<ProcessXmlStringResponse xmlns="http://www.twinfield.com/"><ProcessXmlStringResult>'
        f"{escape(document)}</ProcessXmlStringResult></ProcessXmlStringResponse></soap:Body></soap:Envelope>"
    )
    return answer(200, body, {"Content-Type": "text/xml; charset=utf-8"})


def fault(number: int, status: int = 500) -> Any:
    body = FAULT.format(text="Fout.", code=f"<code>{number}</code>")
    return answer(status, body, {"Content-Type": "text/xml"})


def sent(request: Received) -> etree._Element:
    """The document inside an envelope."""
    root = etree.fromstring(request.body)
    return etree.fromstring(root.findtext(f".//{TNS}xmlRequest") or "")


def transaction() -> etree._Element:
    return element("transaction", element("header", leaf("office", "ENK001")), destiny="temporary")


async def test_the_envelope_says_who_calls_and_for_which_company(
    client: TwinfieldClient, wire: WireServer
) -> None:
    will(wire, xml("<dimension result='1'><code>10023</code><name>Vos &amp; Zn</name></dimension>"))
    found = await client.dimension(DimensionType.DEBTOR, "10023")
    assert found is not None
    assert found.name == "Vos & Zn"
    request = wire.received[-1]
    assert (request.method, request.path) == ("POST", "/webservices/processxml.asmx")
    assert request.headers["soapaction"] == '"http://www.twinfield.com/ProcessXmlString"'
    assert request.headers["content-type"] == "text/xml; charset=utf-8"
    assert "authorization" not in request.headers
    header = etree.fromstring(request.body).find(f".//{TNS}Header")
    assert header is not None
    assert [child.tag.removeprefix(TNS) for child in header] == ["AccessToken", "CompanyCode", "CompanyId"]
    assert (header[0].text, header[1].text, header[2].get(NIL)) == ("t1", "ENK001", "true")
    assert etree.tostring(sent(request)) == (
        b"<read><type>dimensions</type><office>ENK001</office><dimtype>DEB</dimtype><code>10023</code></read>"
    )


async def test_offices_are_asked_for_without_a_company(client: TwinfieldClient, wire: WireServer) -> None:
    will(wire, xml('<offices result="1"><office name="Van Dam" shortname="">ENK001</office></offices>'))
    (office,) = await client.offices()
    assert (office.code, office.name) == ("ENK001", "Van Dam")
    assert b"CompanyCode" not in wire.received[-1].body


async def test_a_booking_is_its_journal_number_and_period(
    client: TwinfieldClient, wire: WireServer, pacer: Credits
) -> None:
    will(wire, xml(BOOKED))
    booked = await client.book(transaction())
    assert (str(booked.key), booked.period, booked.is_final) == ("VRK/202600123", "2026/03", False)
    assert sent(wire.received[-1]).tag == "transactions"
    assert pacer.costs == [3]


@pytest.mark.parametrize(
    "reaction",
    [
        fault(100),
        answer(200, "<html>proxy</html>"),
        answer(502, "<html>storing</html>"),
        answer(200, "<a/>", {"Content-Type": "text/xml"}),
        xml(""),
        xml("<transactions"),
        xml('<transactions result="1"/>'),
        xml('<transactions result="0"><transaction result="0"/></transactions>'),
        xml('<transactions result="1"><transaction result="1"><header/></transaction></transactions>'),
        cut,
    ],
)
async def test_an_answer_to_a_booking_that_proves_nothing_is_doubt_and_never_repeated(
    client: TwinfieldClient, wire: WireServer, reaction: Any
) -> None:
    will(wire, reaction)
    with pytest.raises(Uncertain):
        await client.book(transaction())
    assert len(wire.received) == 3


async def test_a_booking_that_is_refused_says_why(client: TwinfieldClient, wire: WireServer) -> None:
    why = '<dim1 msgtype="error" msg="Dimensie 9 komt niet voor in administratie X" result="0">9</dim1>'
    lines = f'<lines><line type="total"/><line type="detail">{why}</line></lines>'
    will(wire, xml(f'<transactions result="0"><transaction result="0">{lines}</transaction></transactions>'))
    with pytest.raises(Refused) as caught:
        await client.book(transaction())
    assert caught.value.code is Code.NOT_FOUND_LEDGER_ACCOUNT
    assert "Dimensie 9 komt niet voor" in str(caught.value.vendor_message)


@pytest.mark.parametrize("refusal", [answer(401, ""), fault(103), fault(108), fault(354)])
async def test_what_is_stale_is_renewed_and_the_call_made_once_more(
    client: TwinfieldClient, wire: WireServer, refusal: Any
) -> None:
    will(wire, refusal, *login(wire, "t2"), xml(BOOKED))
    assert (await client.book(transaction())).key.number == "202600123"
    assert b"AccessToken>t2<" in wire.received[-1].body
    assert len(wire.received) == 6


async def test_once_is_enough(client: TwinfieldClient, wire: WireServer) -> None:
    will(wire, fault(103), *login(wire, "t2"), fault(103))
    with pytest.raises(Refused) as caught:
        await client.book(transaction())
    assert caught.value.code is Code.AUTH_EXPIRED
    assert len(wire.received) == 6


async def test_a_reading_that_may_pass_is_repeated_and_one_that_does_not_is_not(
    client: TwinfieldClient, wire: WireServer
) -> None:
    will(wire, fault(100), fault(358), xml('<offices result="1"/>'))
    assert await client.offices() == []
    before = len(wire.received)
    wire.will(fault(109))
    with pytest.raises(Refused):
        await client.offices()
    assert len(wire.received) == before + 1


async def test_too_many_calls_pause_for_as_long_as_is_said(client: TwinfieldClient, wire: WireServer) -> None:
    will(wire, answer(429, "", {"Retry-After": "17"}))
    with pytest.raises(Refused) as caught:
        await client.book(transaction())
    assert caught.value.code is Code.RATE_LIMITED
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == 17


async def test_what_is_not_there_is_none(client: TwinfieldClient, wire: WireServer) -> None:
    gone = '<code msgtype="error" msg="Dimensie 1 bestaat niet." result="0">1</code>'
    will(wire, xml(f'<dimension result="0">{gone}</dimension>'))
    assert await client.dimension(DimensionType.DEBTOR, "1") is None
    denied = '<office msgtype="error" msg="U hebt geen toegang tot deze administratie." result="0">X</office>'
    wire.will(xml(f'<dimension result="0">{denied}</dimension>'))
    with pytest.raises(Refused) as caught:
        await client.dimension(DimensionType.DEBTOR, "1")
    assert caught.value.code is Code.AUTH_REVOKED


async def test_the_row_that_is_the_type_itself_is_no_dimension(
    client: TwinfieldClient, wire: WireServer
) -> None:
    rows = (
        '<dimension name="Kas" shortname="">1000</dimension><dimension name="" shortname="">BAS</dimension>'
    )
    will(wire, xml(f'<dimensions result="1">{rows}</dimensions>'))
    assert [row.code for row in await client.dimensions(DimensionType.BALANCE)] == ["1000"]


async def test_a_transaction_is_read_by_its_total_line(client: TwinfieldClient, wire: WireServer) -> None:
    line = (
        '<line type="total" id="1"><dim2>10031</dim2><debitcredit>credit</debitcredit>'
        "<basevalue>121.00</basevalue><basevalueopen>21.00</basevalueopen><matchstatus>available</matchstatus>"
        "<matchdate>20260318</matchdate></line>"
    )
    header = "<code>VRK</code><number>7</number><date>20260312</date><invoicenumber>C1</invoicenumber>"
    will(wire, xml(f'<transaction result="1"><header>{header}</header><lines>{line}</lines></transaction>'))
    found = await client.transaction(BookingKey("VRK", "7"))
    assert found is not None
    assert (found.value, found.open) == (Decimal("-121.00"), Decimal("-21.00"))
    assert (found.issued, found.match_date) == (date(2026, 3, 12), date(2026, 3, 18))


async def test_what_is_owed_on_more_than_one_line_is_taken_together(
    client: TwinfieldClient, wire: WireServer
) -> None:
    def row(kind: str, side: str, value: str, left: str, account: str = "1300", more: str = "") -> str:
        return (
            f'<line type="{kind}"><dim1>{account}</dim1><dim2>10031</dim2><debitcredit>{side}</debitcredit>'
            f"<value>{value}</value><valueopen>{left}</valueopen>{more}</line>"
        )

    lines = (
        row("total", "debit", "100.00", "0.00", more="<matchdate>20260318</matchdate>")
        + row("detail", "debit", "21.00", "21.00")
        + row("detail", "credit", "121.00", "121.00", account="8000")
    )
    header = "<code>VRK</code><number>7</number>"
    will(wire, xml(f'<transaction result="1"><header>{header}</header><lines>{lines}</lines></transaction>'))
    found = await client.transaction(BookingKey("VRK", "7"))
    assert found is not None
    assert (found.value, found.open) == (Decimal("121.00"), Decimal("21.00"))
    assert found.match_date == date(2026, 3, 18)


async def test_a_browse_asks_for_its_columns_and_gives_rows_by_field(
    client: TwinfieldClient, wire: WireServer, pacer: Credits
) -> None:
    row = (
        '<tr><td field="fin.trs.line.invnumber">F1</td>'
        "<key><office>X</office><code>VRK</code><number>7</number><line>1</line></key></tr>"
    )
    will(wire, xml(f'<browse result="1" first="1" last="1" total="1"><th/>{row}</browse>'))
    wanted = (between("fin.trs.head.yearperiod", "2026/01", "2026/12"), equal("a.b", "x"), Column("c.d"))
    (found,) = await client.lines(Lines.DEBTORS, wanted)
    assert (str(found.key), found["fin.trs.line.invnumber"], found["other"]) == ("VRK/7", "F1", "")
    asked = sent(wire.received[-1])
    assert asked.get("code") == "100"
    assert [column.findtext("operator") for column in asked] == ["between", "equal", "none"]
    assert [column.findtext("ask") for column in asked] == ["true", "true", "false"]
    assert (asked[0].findtext("from"), asked[0].findtext("to")) == ("2026/01", "2026/12")
    assert pacer.costs == [1]


@pytest.mark.parametrize(
    "document",
    [
        '<browse result="1" total="2"><tr><key><code>VRK</code><number>7</number></key></tr></browse>',
        '<browse result="1"><tr><td field="x">1</td></tr></browse>',
        "<something/>",
        '<browse result="0"/>',
    ],
)
async def test_rows_that_did_not_all_come_are_no_answer(
    client: TwinfieldClient, wire: WireServer, document: str
) -> None:
    will(wire, xml(document))
    with pytest.raises(NotSent) as caught:
        await client.lines(Lines.DEBTORS, ())
    assert caught.value.code is Code.UNAVAILABLE


def finder(total: int, rows: list[str], result: str = "") -> Any:
    items = "".join(
        f"<ArrayOfString><string>{row}</string><string>n</string></ArrayOfString>" for row in rows
    )
    data = f"<data><TotalRows>{total}</TotalRows><Columns/><Items>{items}</Items></data>"
    body = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<SearchResponse xmlns="http://www.twinfield.com/"><SearchResult>{result}</SearchResult>'
        f"{data}</SearchResponse></soap:Body></soap:Envelope>"
    )
    return answer(200, body, {"Content-Type": "text/xml"})


async def test_a_search_is_read_page_after_page(client: TwinfieldClient, wire: WireServer) -> None:
    codes = [f"D{number}" for number in range(30)]
    will(wire, finder(30, codes[:25]), finder(30, codes[25:]))
    assert [row.code for row in await client.daybooks(Side.SALES)] == codes
    first, second = (etree.fromstring(request.body) for request in wire.received[-2:])
    assert first.findtext(f".//{TNS}firstRow") == "1"
    assert second.findtext(f".//{TNS}firstRow") == "26"
    assert second.findtext(f".//{TNS}maxRows") == "25"
    texts = [node.text for node in first.iter(f"{TNS}string")]
    assert texts == ["office", "ENK001", "category", "sales"]


async def test_a_search_that_is_refused_says_why(client: TwinfieldClient, wire: WireServer) -> None:
    message = (
        "<MessageOfErrorCodes><Type>Error</Type><Text>Geen toegang</Text><Code>AccessDenied</Code>"
        "</MessageOfErrorCodes>"
    )
    will(wire, finder(0, [], message))
    with pytest.raises(Refused) as caught:
        await client.vat_codes(Side.SALES)
    assert "AccessDenied" in str(caught.value.vendor_message)


async def test_a_name_is_compared_here_and_wild_cards_in_it_are_none(
    client: TwinfieldClient, wire: WireServer
) -> None:
    will(wire, finder(1, ["D1"]))
    assert await client.dimensions_named(DimensionType.DEBTOR, "A*B") == []
    assert etree.fromstring(wire.received[-1].body).findtext(f".//{TNS}pattern") == "A?B"
