"""The rules that the simulated Twinfield holds sales and purchase transactions to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from lxml import etree

from tests.vendors.twinfield.foreign_client import Client, connected, detail, messages, total


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    chart = [
        {"number": "8300", "name": "Met kostenplaats", "cost_centre_required": True},
        {"number": "8400", "name": "Oud", "active": False},
    ]
    settings = {"projects": {"P2026014": "Leidsche Rijn"}, "vat_obligatory_accounts": ["8100"]}
    async with connected(chart=chart, settings=settings) as client:
        await client.make()
        await client.make("CRD", "20005")
        yield client


def kinds(answer: etree._Element) -> list[tuple[str, str, str, str]]:
    """Type, account, side and value of every line."""
    return [
        (
            line.get("type") or "",
            line.findtext("dim1") or "",
            line.findtext("debitcredit") or "",
            line.findtext("value") or "",
        )
        for line in answer.iter("line")
    ]


async def refused(client: Client, document: str) -> dict[str, str]:
    """Send what is not booked; what is said of it."""
    before = await client.control.books(client.id)
    answer = await client.process(document)
    assert answer.get("result") == "0"
    assert await client.control.books(client.id) == before
    return messages(answer)


async def test_a_sale_gets_a_number_names_and_vat_lines(client: Client) -> None:
    lines = (
        total("10023", "1939.50")
        + detail("8000", "1250.00", "VH", "262.50", more="<dim2>1</dim2><dim3>P2026014</dim3>")
        + detail("8010", "300.00", "VL", id="3")
        + detail("8040", "100.00", "VN", id="4")
    )
    answer = await client.process(client.transaction(lines))
    assert (answer.get("result"), answer.get("location"), answer.get("destiny")) == ("1", "temporary", None)
    header = answer.find("header")
    assert header is not None
    assert {tag: header.findtext(tag) for tag in ("number", "period", "duedate", "origin", "user")} == {
        "number": "202600001",
        "period": "2026/03",
        "duedate": "20260411",
        "origin": "import",
        "user": "ENKAPI",
    }
    assert kinds(answer) == [
        ("total", "1300", "debit", "1939.50"),
        ("detail", "8000", "credit", "1250.00"),
        ("detail", "8010", "credit", "300.00"),
        ("detail", "8040", "credit", "100.00"),
        ("vat", "1530", "credit", "262.50"),
        ("vat", "1531", "credit", "27.00"),
    ]
    assert answer.find(".//dim2").get("name") == "Bakkerij De Korenaar B.V."
    [sale] = (await client.control.books(client.id))["sales"]
    assert (sale["gross"], sale["open"], sale["provisional"]) == ("1939.50", "1939.50", True)
    assert {row["kind"]: row["amount"] for row in sale["vat"]} == {
        "VH": "262.50",
        "VL": "27.00",
        "VN": "0.00",
    }
    assert [line["net"] for line in sale["lines"]] == ["1250.00", "300.00", "100.00"]
    assert sale["lines"][0]["cost_centre"] == "1"


async def test_final_is_final(client: Client) -> None:
    answer = await client.process(client.sale(attributes='destiny="final"'))
    assert answer.get("location") == "final"
    [sale] = (await client.control.books(client.id))["sales"]
    assert sale["provisional"] is False


async def test_a_credit_note_is_negative_in_the_books(client: Client) -> None:
    lines = total("10023", "121.00", "credit") + detail("8000", "100.00", "VH", "21.00", "debit")
    answer = await client.process(client.transaction(lines))
    assert kinds(answer)[-1] == ("vat", "1530", "debit", "21.00")
    [sale] = (await client.control.books(client.id))["sales"]
    assert (sale["gross"], sale["vat"][0]["amount"], sale["lines"][0]["net"]) == (
        "-121.00",
        "-21.00",
        "-100.00",
    )


async def test_lines_of_both_signs(client: Client) -> None:
    lines = (
        total("10023", "96.80") + detail("8000", "100.00", "VH") + detail("8000", "20.00", "VH", side="debit")
    )
    assert kinds(await client.process(client.transaction(lines)))[-1] == ("vat", "1530", "credit", "16.80")


async def test_a_purchase(client: Client) -> None:
    answer = await client.process(client.purchase())
    assert kinds(answer) == [
        ("total", "1600", "credit", "121.00"),
        ("detail", "7000", "debit", "100.00"),
        ("vat", "1510", "debit", "21.00"),
    ]
    [purchase] = (await client.control.books(client.id))["purchases"]
    assert (purchase["gross"], purchase["relation"]["code"]) == ("121.00", "20005")


async def test_a_purchase_that_is_reverse_charged_has_vat_on_both_sides(client: Client) -> None:
    lines = total("20005", "4000.00", "credit") + detail("7100", "4000.00", "IV", side="debit")
    answer = await client.process(client.transaction(lines, daybook="INK"))
    assert kinds(answer)[2:] == [("vat", "1512", "debit", "840.00"), ("vat", "1532", "credit", "840.00")]
    assert [line.findtext("baseline") for line in answer.iter("line")][2:] == ["1", "2"]
    [purchase] = (await client.control.books(client.id))["purchases"]
    assert (purchase["gross"], purchase["vat"]) == ("4000.00", [{"kind": "IV", "amount": "0.00"}])


async def test_a_sale_that_is_reverse_charged_has_no_vat(client: Client) -> None:
    lines = total("10023", "5000.00") + detail("8150", "5000.00", "VV")
    assert len(kinds(await client.process(client.transaction(lines)))) == 2


async def test_vat_lines_can_be_sent(client: Client) -> None:
    vat = (
        '<line type="vat" id="3"><debitcredit>credit</debitcredit><value>{}</value><vatcode>VH</vatcode>'
        "<vatturnover>100.00</vatturnover><baseline>1</baseline></line>"
    )
    lines = total("10023", "121.00") + detail("8000", "100.00", "VH", "21.00")
    answer = await client.process(client.transaction(lines + vat.format("21.00")))
    assert kinds(answer)[2] == ("vat", "1530", "credit", "21.00")
    assert await refused(client, client.transaction(lines + vat.format("20.99"), number="2"))
    moved = total("10023", "120.99") + detail("8000", "100.00", "VH", "21.00")
    assert await refused(client, client.transaction(moved + vat.format("20.99"), number="3"))


# --- balance ---


@pytest.mark.parametrize(
    ("gross", "missing"), [("120.99", "0.01 debet"), ("121.01", "0.01 credit"), ("1000.00", "879.00 credit")]
)
async def test_it_balances_to_the_cent(client: Client, gross: str, missing: str) -> None:
    lines = total("10023", gross) + detail("8000", "100.00", "VH", "21.00")
    said = await refused(client, client.transaction(lines))
    assert said["transaction"].split("//")[:2] == [
        f"De boeking is niet in balans. Er ontbreekt {missing}.",
        f"De boeking balanceert niet in de basisvaluta. Er ontbreekt {missing}.",
    ]


@pytest.mark.parametrize(("gross", "booked"), [("121.02", "21.02"), ("120.98", "20.98"), ("121.03", None)])
async def test_two_cents_of_vat_are_absorbed_when_asked(
    client: Client, gross: str, booked: str | None
) -> None:
    lines = total("10023", gross) + detail("8000", "100.00", "VH", "21.00")
    document = client.transaction(lines, attributes='destiny="temporary" autobalancevat="true"')
    answer = await client.process(document)
    assert (answer.get("result"), answer.get("autobalancevat")) == ("0" if booked is None else "1", "true")
    if booked is not None:
        assert kinds(answer)[-1] == ("vat", "1530", "credit", booked)
        [sale] = (await client.control.books(client.id))["sales"]
        assert (sale["gross"], sale["vat"][0]["amount"]) == (gross, booked)


async def test_without_vat_nothing_is_absorbed(client: Client) -> None:
    lines = total("10023", "100.01") + detail("8040", "100.00", "VN")
    document = client.transaction(lines, attributes='destiny="temporary" autobalancevat="true"')
    assert "transaction" in await refused(client, document)


async def test_large_amounts_are_exact(client: Client) -> None:
    lines = total("10023", "8514604045.34") + detail("8000", "7036863673.84", "VH", "1477740371.50")
    assert await client.book(client.transaction(lines))
    [sale] = (await client.control.books(client.id))["sales"]
    assert (sale["gross"], sale["lines"][0]["net"]) == ("8514604045.34", "7036863673.84")
    short = lines.replace("1477740371.50", "1477740371.49")
    assert "transaction" in await refused(client, client.transaction(short, number="2"))


# --- what a line may be ---


@pytest.mark.parametrize(
    ("changes", "tag", "said"),
    [
        (("8000", "99999"), "dim1", "Dimensie 99999 komt niet voor in administratie ENK001"),
        (("8000", "8400"), "dim1", "Dimensie 8400 komt niet voor in administratie ENK001"),
        (
            ("8000", "8300"),
            "dim1",
            "Grootboekrekening [8300] vereist de specificatie van een relatie of kostenplaats",
        ),
        (
            ("8000", "1300"),
            "dim1",
            "Grootboekrekening [1300] vereist de specificatie van een relatie of kostenplaats",
        ),
        (("10023", "19999"), "dim2", "Dimensie 19999 komt niet voor in administratie ENK001"),
        (("10023", "20005"), "dim2", "Dimensie 20005 komt niet voor in administratie ENK001"),
        (("VH", "21"), "vatcode", "Btw 21 bestaat niet of is (nog) niet actief."),
        (
            ("VH", "IH"),
            "vatcode",
            "BTW Hoog (IH) is van het type Inkoop terwijl het dagboek van het btw-type Verkoop is.",
        ),
        (("<vatcode>VH</vatcode><vatvalue>21.00</vatvalue>", ""), "transaction", None),
        (('destiny="temporary"', ""), "transaction", "Incorrecte XML - de bestemming is ongeldig."),
        (
            ('destiny="temporary"', 'destiny="concept"'),
            "transaction",
            "Incorrecte XML - de bestemming is ongeldig.",
        ),
        (("<value>100.00", "<value>-100.00"), "value", None),
        (("<value>100.00", "<value>100.001"), "value", None),
        (("<value>100.00", "<value>100,00"), "value", None),
        (("debit<", "debet<"), "debitcredit", None),
        (("VRK", "BNK"), "code", None),
        (("VRK", "XXX"), "code", None),
        (("EUR", "USD"), "currency", None),
        (("20260312", "20260231"), "date", None),
        (("20260312", "12-03-2026"), "date", None),
        (("2026-0412", "x" * 41), "invoicenumber", None),
        (("<invoicenumber>2026-0412</invoicenumber>", ""), "header", None),
        (("</header>", "<user>x</user></header>"), "user", "Het element 'user' mag niet worden aangeleverd."),
        (("</header>", "<description>x</description></header>"), "description", None),
        (("</header>", "<freetext1>x</freetext1></header>"), "freetext1", None),
        (("</header>", "<number>202600099</number></header>"), "number", None),
        (("</line>", f"<description>{'x' * 41}</description></line>"), "description", None),
        (("</line>", "<dim3>P1</dim3></line>"), "dim3", "Dimensie P1 komt niet voor in administratie ENK001"),
        (("ENK001", "ENK999"), "office", "De administratie bestaat niet."),
    ],
)
async def test_what_is_refused(client: Client, changes: tuple[str, str], tag: str, said: str | None) -> None:
    document = client.sale()
    assert changes[0] in document
    found = await refused(client, document.replace(*changes))
    assert tag in found, found
    if said is not None:
        assert found[tag] == said


async def test_a_cost_centre_must_be_there(client: Client) -> None:
    lines = total("10023", "100.00") + detail("8300", "100.00", "VN", more="<dim2>99</dim2>")
    assert await refused(client, client.transaction(lines)) == {
        "dim2": "Dimensie 99 komt niet voor in administratie ENK001"
    }
    assert await client.book(client.transaction(lines.replace("99<", "2<")))


async def test_an_account_that_wants_a_vat_code(client: Client) -> None:
    lines = total("10023", "100.00") + detail("8100", "100.00")
    assert await refused(client, client.transaction(lines)) == {"line": "Er mist een BTW code"}


async def test_vat_on_a_code_without(client: Client) -> None:
    lines = total("10023", "121.00") + detail("8150", "100.00", "VV", "21.00")
    assert "vatvalue" in await refused(client, client.transaction(lines))


async def test_trade_within_the_eu_says_what_was_delivered(client: Client) -> None:
    lines = total("10023", "100.00") + detail("8070", "100.00", "ICT")
    said = await refused(client, client.transaction(lines))
    assert "performancetype" in said["line"]
    more = (
        "<performancetype>goods</performancetype><performancecountry>DE</performancecountry>"
        "<performancevatnumber>DE123456789</performancevatnumber>"
    )
    told = total("10023", "100.00") + detail("8070", "100.00", "ICT", more=more)
    assert await client.book(client.transaction(told))
    services = client.transaction(told.replace("goods", "services"), number="2")
    assert "performancedate" in (await refused(client, services))["line"]


async def test_country_and_number_come_from_the_relation(client: Client) -> None:
    inside = (
        '<addresses><address type="invoice" default="true"><country>DE</country>'
        "<field4>DE123456789</field4></address></addresses>"
    )
    await client.make("DEB", "10050", inside)
    more = "<performancetype>goods</performancetype>"
    lines = total("10050", "100.00") + detail("8070", "100.00", "ICT", more=more)
    answer = await client.process(client.transaction(lines))
    assert answer.findtext(".//performancevatnumber") == "DE123456789"


@pytest.mark.parametrize(
    "lines",
    [
        detail("8000", "100.00", "VN"),
        total("10023", "100.00"),
        detail("8000", "100.00", "VN") + total("10023", "100.00"),
        total("10023", "50.00") * 2 + detail("8000", "100.00", "VN"),
        total("10023", "100.00") + detail("8000", "100.00", "VN").replace("detail", "regel"),
    ],
)
async def test_one_total_then_details(client: Client, lines: str) -> None:
    assert await refused(client, client.transaction(lines))


async def test_failed_lines_lose_their_id_and_parents_fail(client: Client) -> None:
    answer = await client.process(client.sale().replace("8000", "99999").replace("EUR", "USD"))
    failed = [element.tag for element in answer.iter() if element.get("result") == "0"]
    assert failed == ["transaction", "header", "currency", "line", "dim1"]
    assert [line.get("id") for line in answer.iter("line")] == ["1", None]
    assert answer.get("destiny") == "temporary"


async def test_a_batch_is_not_atomic(client: Client) -> None:
    bad = client.sale("bad").replace("8000", "99999")
    answer = await client.process(f"<transactions>{bad}{client.sale('good')}{bad}</transactions>")
    assert answer.get("result") == "0"
    assert [one.get("result") for one in answer] == ["0", "1", "0"]
    assert [row["number"] for row in (await client.control.books(client.id))["sales"]] == ["good"]


# --- warnings ---


async def test_a_number_that_is_there_is_a_warning_and_is_not_booked(client: Client) -> None:
    await client.book(client.sale())
    answer = await client.process(client.sale())
    number = answer.find("header/invoicenumber")
    assert number is not None
    assert (number.get("msgtype"), number.get("msg")) == (
        "warning",
        "Factuurnummer 2026-0412 komt reeds voor.",
    )
    assert len((await client.control.books(client.id))["sales"]) == 1


@pytest.mark.parametrize("at", ["root", "element"])
async def test_who_mutes_the_warning_books_twice(client: Client, at: str) -> None:
    await client.book(client.sale())
    document = client.sale()
    if at == "root":
        document = document.replace("destiny", 'raisewarning="false" destiny')
    else:
        document = document.replace("<invoicenumber>", '<invoicenumber raisewarning="false">')
    answer = await client.process(document)
    assert (answer.get("result"), messages(answer)) == ("1", {})
    [double] = (await client.control.books(client.id))["doubles"]
    assert double["number"] == "2026-0412"


@pytest.mark.parametrize(
    ("scope", "other_relation", "other_side"),
    [("relation", True, True), ("daybook", False, True), ("office", False, False), ("none", True, True)],
)
async def test_how_far_the_warning_looks(
    client: Client, scope: str, other_relation: bool, other_side: bool
) -> None:
    await client.settings(duplicate_scope=scope)
    await client.make("DEB", "10024")
    await client.book(client.sale())
    assert ((await client.process(client.purchase("2026-0412"))).get("result") == "1") is other_side
    assert ((await client.process(client.sale(relation="10024"))).get("result") == "1") is other_relation
    assert ((await client.process(client.sale())).get("result") == "1") is (scope == "none")


async def test_the_warning_may_not_see_provisional_ones(client: Client) -> None:
    await client.settings(duplicate_sees_provisional=False)
    await client.book(client.sale())
    await client.book(client.sale(attributes='destiny="final"'))
    assert (await client.process(client.sale())).get("result") == "0"


async def test_the_language_of_the_user_is_that_of_the_messages(client: Client) -> None:
    await client.book(client.sale())
    await client.settings(language="en")
    assert messages(await client.process(client.sale())) == {
        "invoicenumber": "Invoice number 2026-0412 already exists."
    }


# --- periods ---


async def test_a_period_that_does_not_fit_the_date_is_a_warning(client: Client) -> None:
    document = client.sale(header="<period>2026/04</period>")
    assert await refused(client, document) == {
        "date": "Datum 12-03-2026 valt buiten de opgegeven periode (2026/04)."
    }
    assert await client.book(document.replace("<date>", '<date raisewarning="false">'))


async def test_a_period_that_is_not_there_or_closed(client: Client) -> None:
    assert await refused(client, client.sale(date="20200101")) == {
        "transaction": "De boeking kan niet gemaakt worden omdat periode 2020/01 niet bestaat"
    }
    await client.settings(closed_periods=["2026/01"])
    assert "period" in await refused(client, client.sale(date="20260131"))
    assert await client.book(client.sale(date="20260201"))
    await client.settings(closed_until="2026-02-28")
    assert "period" in await refused(client, client.sale("2", date="20260228"))
    assert await client.book(client.sale("2", date="20260301"))
    await client.settings(years=[2020], closed_periods=[], closed_until=None)
    assert await client.book(client.sale("3", date="20200101")) == "202000001"


async def test_every_daybook_and_year_has_its_own_numbers(client: Client) -> None:
    assert await client.book(client.sale("1")) == "202600001"
    assert await client.book(client.sale("2")) == "202600002"
    assert await client.book(client.purchase()) == "202600001"
    assert await client.book(client.sale("3", date="20251231")) == "202500001"


async def test_the_due_date_is_that_of_the_relation(client: Client) -> None:
    await client.make("DEB", "10024", "<financials><duedays>14</duedays></financials>")
    answer = await client.process(client.sale(relation="10024"))
    assert answer.findtext("header/duedate") == "20260326"
    given = await client.process(client.sale("2", header="<duedate>20260401</duedate>"))
    assert given.findtext("header/duedate") == "20260401"


# --- later ---


def deleting(client: Client, number: str, reason: str = ' reason="fout"') -> str:
    return (
        f'<transaction action="delete"{reason}><header><office>{client.office}</office><code>VRK</code>'
        f"<number>{number}</number></header></transaction>"
    )


async def test_what_is_provisional_can_be_changed_and_deleted(client: Client) -> None:
    number = await client.book(client.sale())
    changed = client.sale(header=f"<number>{number}</number>").replace("100.00", "200.00")
    changed = changed.replace("121.00", "242.00").replace("21.00<", "42.00<")
    assert await client.book(changed) == number
    [sale] = (await client.control.books(client.id))["sales"]
    assert sale["gross"] == "242.00"
    assert (await client.process(deleting(client, number, ""))).get("result") == "0"
    assert (await client.process(deleting(client, number))).get("result") == "1"
    assert (await client.control.books(client.id))["sales"] == []
    assert (await client.process(deleting(client, number))).get("result") == "0"
    assert await client.book(client.sale())


async def test_what_is_final_can_not(client: Client) -> None:
    number = await client.book(client.sale(attributes='destiny="final"'))
    text = "De status van de boeking moet Concept zijn."
    assert messages(await client.process(deleting(client, number))) == {"transaction": text}
    assert (await refused(client, client.sale(header=f"<number>{number}</number>")))["number"] == text
