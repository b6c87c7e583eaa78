"""What the simulated Twinfield shows of bookings and payments: browses, and transactions with matches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from lxml import etree

from tests.vendors.simulation.driving import Json
from tests.vendors.twinfield.foreign_client import Client, column, connected, detail, messages, rows, total

SHOWN = (
    column("head.code"),
    column("head.number"),
    column("head.status"),
    column("line.dim2"),
    column("line.basevaluesigned"),
    column("line.openbasevaluesigned"),
    column("line.invnumber"),
    column("line.matchstatus"),
    column("line.matchdate"),
)
IN_VRK = column("head.code", "equal", "VRK")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with connected() as client:
        await client.make()
        await client.make("CRD", "20005")
        await client.book(client.sale())
        yield client


async def pay(client: Client, number: str = "2026-0412", **wanted: Any) -> Json:
    return await client.control.ask("POST", "payments", {"company": client.id, "number": number, **wanted})


async def reverse(client: Client, payment: Json) -> None:
    await client.control.ask("POST", "payments", {"company": client.id, "reverse": payment["payment"]})


async def sales(client: Client, *more: str) -> list[dict[str, str]]:
    asked = [one for one in SHOWN if "head.code" not in one]
    return rows(await client.browse(IN_VRK, *asked, *more))


async def reading(client: Client, number: str = "202600001", code: str = "VRK") -> etree._Element:
    return await client.process(
        f"<read><type>transaction</type><office>{client.office}</office><code>{code}</code>"
        f"<number>{number}</number></read>"
    )


async def test_an_open_invoice(client: Client) -> None:
    answer = await client.browse(*SHOWN)
    assert rows(answer) == [
        {
            "head.code": "VRK",
            "head.number": "202600001",
            "head.status": "temporary",
            "line.dim2": "10023",
            "line.basevaluesigned": "121.00",
            "line.openbasevaluesigned": "121.00",
            "line.invnumber": "2026-0412",
            "line.matchstatus": "available",
            "line.matchdate": "",
        }
    ]
    assert [(answer.get(name)) for name in ("first", "last", "total")] == ["1", "1", "1"]
    key = answer.find("tr/key")
    assert key is not None
    assert [element.text for element in key] == [client.office, "VRK", "202600001", "1"]
    names = {cell.get("field"): cell.get("name") for cell in answer.findall("tr/td") if cell.get("name")}
    assert names == {"fin.trs.head.status": "Concept", "fin.trs.line.matchstatus": "Beschikbaar"}


async def test_a_part_then_the_rest_then_back(client: Client) -> None:
    part = await pay(client, amount="21.00", date="2026-03-25")
    [row] = await sales(client)
    assert (row["line.openbasevaluesigned"], row["line.matchstatus"], row["line.matchdate"]) == (
        "100.00",
        "available",
        "20260325",
    )
    rest = await pay(client, date="2026-04-02")
    [row] = await sales(client)
    assert (row["line.openbasevaluesigned"], row["line.matchstatus"], row["line.matchdate"]) == (
        "0.00",
        "matched",
        "20260402",
    )
    await reverse(client, rest)
    await reverse(client, part)
    [row] = await sales(client)
    assert (row["line.openbasevaluesigned"], row["line.matchstatus"], row["line.matchdate"]) == (
        "121.00",
        "available",
        "",
    )
    assert len(rows(await client.browse(*SHOWN))) == 1


async def test_the_bank_line_is_there_too(client: Client) -> None:
    await pay(client, amount="21.00")
    bank = rows(await client.browse(*SHOWN))[0]
    assert (bank["head.code"], bank["line.basevaluesigned"], bank["line.openbasevaluesigned"]) == (
        "BNK",
        "-21.00",
        "0.00",
    )
    assert (bank["line.invnumber"], bank["line.matchstatus"]) == ("2026-0412", "matched")


@pytest.mark.parametrize(
    ("settled_by", "code", "method"),
    [("bank", "BNK", "payment"), ("write_off", "AFLETTEREN", "writeoff"), ("credit", "VRK", "payment")],
)
async def test_a_transaction_tells_what_it_was_matched_with(
    client: Client, settled_by: str, code: str, method: str
) -> None:
    await pay(client, amount="21.00", settled_by=settled_by, date="2026-03-25")
    read = await reading(client)
    line = read.find("lines/line")
    assert line is not None
    assert [line.findtext(tag) for tag in ("matchstatus", "basevalueopen", "matchdate")] == [
        "available",
        "100.00",
        "20260325",
    ]
    [matched] = read.findall(".//matches/set")
    assert matched.get("status") == "final"
    assert matched.findtext("matchvalue") == "21.00"
    assert [matched.findtext(f"lines/line/{tag}") for tag in ("code", "method", "matchvalue")] == [
        code,
        method,
        "-21.00",
    ]
    other = await reading(client, matched.findtext("lines/line/number") or "", code)
    assert other.get("result") == "1"
    assert other.findtext(".//matches/set/lines/line/code") == "VRK"


async def test_a_credit_note_has_a_negative_value(client: Client) -> None:
    lines = total("10023", "121.00", "credit") + detail("8000", "100.00", "VH", "21.00", "debit")
    await client.book(client.transaction(lines, number="C1"))
    await pay(client, "C1", amount="-21.00")
    row = (await sales(client))[1]
    assert (row["line.basevaluesigned"], row["line.openbasevaluesigned"]) == ("-121.00", "-100.00")


async def test_more_can_be_paid_than_is_open(client: Client) -> None:
    await pay(client, amount="130.00")
    [row] = await sales(client)
    assert (row["line.openbasevaluesigned"], row["line.matchstatus"]) == ("-9.00", "available")


async def test_a_payment_run_proposes(client: Client) -> None:
    await client.settings(proposed_invoices=["2026-0412"])
    assert [row["line.matchstatus"] for row in await sales(client)] == ["proposed"]


async def test_a_provisional_statement_matches_provisionally(client: Client) -> None:
    await client.settings(bank_statements_provisional=True)
    await pay(client)
    assert [row["line.matchstatus"] for row in await sales(client)] == ["matched"]
    assert (await reading(client)).find(".//matches/set").get("status") == "temporary"
    bank = rows(await client.browse(column("head.code", "equal", "BNK"), column("head.status")))
    assert bank == [{"head.code": "BNK", "head.status": "temporary"}]


async def test_purchases_are_in_the_browse_of_creditors(client: Client) -> None:
    await client.book(client.purchase())
    found = rows(await client.browse(*SHOWN, code="200"))
    assert [(row["line.dim2"], row["line.basevaluesigned"]) for row in found] == [("20005", "-121.00")]
    assert len(rows(await client.browse(*SHOWN))) == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("head.yearperiod", "between", "2026/01", "2026/12")], {"2026-0412", "B", "C"}),
        ([("head.yearperiod", "between", "2026/04", "2026/12")], {"C"}),
        ([("head.yearperiod", "between", "", "2026/03")], {"2026-0412", "B"}),
        ([("line.invnumber", "equal", "B", "")], {"B"}),
        ([("line.invnumber", "equal", "b", "")], set()),
        ([("head.number", "between", "202600002", "202600003")], {"B", "C"}),
        ([("line.dim2", "between", "10024", "10099")], {"C"}),
        ([("head.status", "equal", "normal", "")], {"2026-0412", "B", "C"}),
        ([("head.status", "equal", "final", "")], {"B"}),
        ([("line.basevaluesigned", "between", "200", "300")], {"C"}),
        ([("line.matchstatus", "equal", "matched", "")], {"B"}),
        ([("line.matchdate", "between", "20260401", "20260430")], {"B"}),
        ([("head.office", "equal", "ENK001", "")], {"2026-0412", "B", "C"}),
        ([("head.code", "equal", "INK", "")], set()),
    ],
)
async def test_filters(client: Client, filters: list[tuple[str, str, str, str]], found: set[str]) -> None:
    await client.make("DEB", "10024")
    await client.book(client.sale("B", attributes='destiny="final"'))
    twice = client.sale("C", relation="10024", date="20260401")
    for one, other in (("121.00", "242.00"), ("100.00", "200.00"), ("<vatvalue>21", "<vatvalue>42")):
        twice = twice.replace(one, other)
    await client.book(twice)
    await pay(client, "B", date="2026-04-02")
    asked = [column(*one, visible=False) for one in filters]
    if not any("head.code" in one for one in asked):
        asked.append(column("head.code", "equal", "VRK", visible=False))
    assert {
        row["line.invnumber"] for row in rows(await client.browse(column("line.invnumber"), *asked))
    } == found


async def test_what_was_modified_since(client: Client) -> None:
    since = f"{client.clock.now:%Y%m%d%H%M%S}"
    client.clock.move(minutes=10)
    await client.book(client.sale("B"))
    later = f"{client.clock.now:%Y%m%d%H%M%S}"
    asked = column("line.modified", "between", later, visible=False)
    assert [row["line.invnumber"] for row in await sales(client, asked)] == ["B"]
    client.clock.move(minutes=10)
    await pay(client)
    assert {row["line.invnumber"] for row in await sales(client, asked)} == {"2026-0412", "B"}
    head = column("head.modified", "between", since, since, visible=False)
    assert [row["line.invnumber"] for row in await sales(client, head)] == ["2026-0412"]


async def test_a_payment_may_not_touch_what_was_modified(client: Client) -> None:
    await client.settings(match_touches_modified=False)
    client.clock.move(minutes=10)
    await pay(client)
    asked = column("line.modified", "between", f"{client.clock.now:%Y%m%d%H%M%S}", visible=False)
    assert await sales(client, asked) == []


@pytest.mark.parametrize(
    ("document", "tag"),
    [
        ('<columns code="999"/>', "columns"),
        (f'<columns code="100">{column("line.value")}</columns>', "field"),
        (f'<columns code="100">{column("head.date", "between", "20260101")}</columns>', "operator"),
        (f'<columns code="100">{column("line.invnumber", "between", "1", "2")}</columns>', "operator"),
        (f'<columns code="100">{column("line.dim2", "like", "1*")}</columns>', "operator"),
        ('<columns code="100"><kolom/></columns>', "kolom"),
        ('<columns code="100"><sort><field>fin.trs.x</field></sort></columns>', "field"),
    ],
)
async def test_browses_that_are_refused(client: Client, document: str, tag: str) -> None:
    answer = await client.process(document)
    assert answer.get("result") == "0"
    assert tag in messages(answer)


async def test_a_filter_on_matchstatus_may_fault(client: Client) -> None:
    await client.settings(matchstatus_filter=False)
    asked = column("line.matchstatus", "equal", "available")
    answer = await client.send(f'<columns code="100">{asked}</columns>')
    assert answer.status_code == 500
    assert "<code>100</code>" in answer.text
    assert await sales(client)


async def test_rows_can_be_sorted_and_short(client: Client) -> None:
    await client.book(client.sale("B"))
    sort = '<sort><field order="descending">fin.trs.head.number</field></sort>'
    answer = await client.browse(sort, column("line.invnumber"), attributes=' optimize="true"')
    assert [[cell.text for cell in row.findall("td")] for row in answer.findall("tr")] == [
        ["B"],
        ["2026-0412"],
    ]
    assert answer.find("tr/td").attrib == {}


async def test_nothing_found(client: Client) -> None:
    answer = await client.browse(*SHOWN, column("line.invnumber", "equal", "nothing"))
    assert [answer.get(name) for name in ("result", "first", "last", "total")] == ["1", "0", "0", "0"]


async def test_the_definition_names_columns_and_operators(client: Client) -> None:
    read = await client.process("<read><type>browse</type><code>100</code></read>")
    operators = {one.findtext("field"): one.findtext("operator") for one in read.findall("columns/column")}
    assert operators["fin.trs.head.yearperiod"] == "between"
    assert operators["fin.trs.head.date"] == "none"
    assert operators["fin.trs.line.matchstatus"] == "equal"
    assert "fin.trs.line.modified" not in operators
    listed = await client.process("<list><type>browsefields</type></list>")
    assert {one.findtext("code") for one in listed} > set(operators)
    assert messages(await client.process("<read><type>browse</type><code>999</code></read>"))


async def test_a_transaction_is_read_whole(client: Client) -> None:
    read = await reading(client)
    assert (read.get("location"), read.get("result")) == ("temporary", "1")
    assert read.findtext("header/invoicenumber") == "2026-0412"
    assert [line.findtext("value") for line in read.findall("lines/line")] == ["121.00", "100.00", "21.00"]
    assert read.find(".//matches") is None
    gone = await reading(client, "202600099")
    assert gone.get("result") == "0"
    assert messages(gone) == {"number": "Boeking VRK 202600099 bestaat niet."}
