"""Browses and the finder: what is asked, and what rows that did not all come are worth."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from schemas.outcome import Code
from tests.vendors.twinfield.scripted import TNS, Credits, sent, will, xml
from tests.vendors.wire_server import WireServer, answer
from vendors.failure import NotSent, Refused
from vendors.twinfield.browse import Column, between, equal
from vendors.twinfield.client import TwinfieldClient
from vendors.twinfield.models import DimensionType, Lines, Side


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
