"""What goes over the wire to Twinfield, and what its answers become."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from schemas.outcome import Code
from tests.vendors.twinfield.scripted import TNS, Credits, login, sent, will, xml
from tests.vendors.twinfield.test_errors import FAULT
from tests.vendors.wire_server import WireServer, answer, cut
from vendors.failure import Refused, Uncertain
from vendors.twinfield.client import TwinfieldClient
from vendors.twinfield.models import BookingKey, DimensionType
from vendors.twinfield.wire import element, leaf

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
BOOKED = (
    '<transactions result="1"><transaction result="1" location="temporary"><header><code>VRK</code>'
    "<number>202600123</number><period>2026/03</period></header></transaction></transactions>"
)


def fault(number: int, status: int = 500) -> Any:
    body = FAULT.format(text="Fout.", code=f"<code>{number}</code>")
    return answer(status, body, {"Content-Type": "text/xml"})


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
