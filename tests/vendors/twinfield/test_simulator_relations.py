"""Debtors and creditors of the simulated Twinfield: masks, fields, updates, and how they are found."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.vendors.twinfield.foreign_client import Client, connected, messages

ADDRESS = (
    '<addresses><address type="invoice" default="true"><name>De Korenaar</name><country>NL</country>'
    "<city>Utrecht</city><postcode>3511 AB</postcode><field2>Oudegracht 112</field2>"
    "<field4>NL812345678B01</field4><field5>30123456</field5></address></addresses>"
)
BANK = (
    '<banks><bank default="true"><ascription>De Korenaar</ascription>'
    "<iban>NL91ABNA0417164300</iban></bank></banks>"
)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with connected() as client:
        yield client


def reading(client: Client, code: str = "10023", kind: str = "DEB") -> str:
    return (
        f"<read><type>dimensions</type><office>{client.office}</office><dimtype>{kind}</dimtype>"
        f"<code>{code}</code></read>"
    )


async def test_a_debtor_is_written_and_read_with_what_it_inherits(client: Client) -> None:
    written = await client.process(client.debtor(inside=ADDRESS + BANK))
    assert (written.get("result"), written.get("status")) == ("1", "active")
    read = await client.process(reading(client))
    assert [element.tag for element in read] == [element.tag for element in written]
    financials = read.find("financials")
    assert financials is not None
    assert {tag: financials.findtext(tag) for tag in ("duedays", "substitutewith", "matchtype", "level")} == {
        "duedays": "30",
        "substitutewith": "1300",
        "matchtype": "customersupplier",
        "level": "2",
    }
    assert read.find("addresses/address").get("id") == "1"
    [booked] = (await client.control.books(client.id))["debtors"]
    assert (booked["code"], booked["vat_number"], booked["kvk_number"], booked["iban"]) == (
        "10023",
        "NL812345678B01",
        "30123456",
        "NL91ABNA0417164300",
    )


async def test_a_dimension_that_is_not_there(client: Client) -> None:
    answer = await client.process(reading(client, "10099"))
    assert (answer.tag, answer.get("result")) == ("dimension", "0")
    assert messages(answer) == {"code": "Dimensie 10099 bestaat niet."}
    await client.settings(language="en")
    assert messages(await client.process(reading(client, "10099"))) == {
        "code": "Dimension 10099 does not exist."
    }
    assert messages(await client.process(reading(client, "1", "BAT"))) == {
        "type": "Dimension type BAT does not exist."
    }


async def test_accounts_are_dimensions_too(client: Client) -> None:
    read = await client.process(reading(client, "8000", "PNL"))
    assert (read.get("result"), read.findtext("name")) == ("1", "Omzet hoog")


async def test_without_a_code_the_next_that_fits_is_given(client: Client) -> None:
    assert await client.make("DEB", "10001") == "10001"
    assert [await client.make("DEB", None) for _ in range(3)] == ["10000", "10002", "10003"]
    assert await client.make("CRD", None) == "20000"


@pytest.mark.parametrize(
    ("code", "fits"), [("10023", True), ("1002", False), ("20023", False), ("K-77", False)]
)
async def test_a_code_must_fit_the_mask(client: Client, code: str, fits: bool) -> None:
    answer = await client.process(client.debtor(code))
    assert (answer.get("result") == "1") is fits
    if not fits:
        text = "De code voldoet niet aan het formaat 1[0-9][0-9][0-9][0-9]."
        assert messages(answer) == {"code": text}
        assert answer.findtext("name") == "Bakkerij De Korenaar B.V."


async def test_a_mask_can_be_widened(client: Client) -> None:
    await client.settings(debtor_mask="*")
    assert await client.make("DEB", "K-77") == "K-77"
    assert await client.make("DEB", None) == "000000"
    read = await client.process("<read><type>dimensiontype</type><code>DEB</code></read>")
    assert read.findtext("mask") == ".*"
    labels = [label.text for label in read.findall("address/label")]
    assert labels[3:5] == ["BTW-nummer", "KvK-nummer"]


async def test_a_full_mask_gives_no_code(client: Client) -> None:
    await client.settings(debtor_mask="7")
    assert await client.make("DEB", "7") == "7"
    await client.settings(debtor_mask="8#")
    for _ in range(10):
        await client.make("DEB", None)
    assert (await client.process(client.debtor(None))).get("result") == "0"


@pytest.mark.parametrize(
    ("name", "inside", "said"),
    [
        (None, "", {"dimension": "Naam moet worden ingevuld"}),
        ("", "", {"name": "Naam moet worden ingevuld"}),
        ("x", "<inuse>true</inuse>", {"inuse": "Het element 'inuse' mag niet worden aangeleverd."}),
        ("x", "<nonsense/>", {"nonsense": "Het element 'nonsense' mag niet worden aangeleverd."}),
        (
            "x",
            "<financials><substitutewith>11300</substitutewith></financials>",
            {"substitutewith": "De dimensie 11300 met financieel niveau 1 niet gevonden."},
        ),
        (
            "x",
            "<financials><substitutewith>1600</substitutewith></financials>",
            {"substitutewith": "De dimensie 1600 met financieel niveau 1 niet gevonden."},
        ),
        (
            "x",
            "<financials><childvalidations><childvalidation>11300</childvalidation></childvalidations></financials>",
            {"childvalidation": "Grootboekrekening 11300 bestaat niet."},
        ),
        (
            "x",
            "<financials><vatcode>21</vatcode></financials>",
            {"vatcode": "Btw 21 bestaat niet of is (nog) niet actief."},
        ),
        (
            "x",
            "<financials><ebilling>true</ebilling></financials>",
            {"financials": "Als Elektronisch factureren is ingeschakeld, mag het e-mailadres niet leeg zijn"},
        ),
        (
            "x",
            '<banks><bank default="true"><iban>NL91ABNA0417164300</iban></bank></banks>',
            {"bank": "Begunstigde is ongeldig."},
        ),
    ],
)
async def test_what_is_refused_and_in_which_words(
    client: Client, name: str | None, inside: str, said: dict[str, str]
) -> None:
    before = await client.control.books(client.id)
    answer = await client.process(client.dimension("DEB", "10023", name, inside))
    assert answer.get("result") == "0"
    assert messages(answer) == said
    assert await client.control.books(client.id) == before


@pytest.mark.parametrize(
    "inside",
    [
        "<financials><meansofpayment>paymentfile</meansofpayment></financials>",
        "<financials><payavailable>1</payavailable></financials>",
        ADDRESS.replace('default="true"', 'default="1"'),
        ADDRESS.replace('default="true"', 'default="false"'),
        ADDRESS.replace("NL812345678B01", "NL812345678"),
        ADDRESS.replace('type="invoice"', 'type="invoice" id="1"'),
        BANK.replace('default="true"', 'default="true" id="1"'),
        BANK.replace("NL91", "NL92"),
        BANK.replace("De Korenaar", "x" * 41),
        "<shortname>a</shortname><shortname>b</shortname>",
        "<paymentconditions/>",
    ],
)
async def test_what_else_is_refused(client: Client, inside: str) -> None:
    assert (await client.process(client.debtor(inside=inside))).get("result") == "0"
    assert (await client.control.books(client.id))["debtors"] == []


async def test_not_strict_takes_what_is_only_undocumented(client: Client) -> None:
    await client.settings(strict=False)
    answer = await client.process(client.debtor(name="x" * 41, inside="<nonsense/>"))
    assert answer.get("result") == "1"


@pytest.mark.parametrize(("omitted", "city"), [("cleared", None), ("kept", "Utrecht")])
async def test_what_an_update_leaves_out(client: Client, omitted: str, city: str | None) -> None:
    await client.settings(omitted_on_update=omitted)
    first = await client.process(client.debtor(inside=ADDRESS + BANK))
    second = await client.process(client.debtor(name="Nieuw"))
    assert second.findtext("uid") == first.findtext("uid")
    assert second.findtext("name") == "Nieuw"
    assert second.findtext("touched") == "1"
    assert second.findtext("addresses/address/city") == city
    assert (second.find("banks/bank") is not None) is (city is not None)


async def test_parts_keep_their_ids(client: Client) -> None:
    await client.process(client.debtor(inside=ADDRESS + BANK))
    more = ADDRESS.replace(
        "</addresses>", '<address type="postal" default="false"><city>Zeist</city></address></addresses>'
    )
    answer = await client.process(
        client.debtor(inside=more.replace("<address type", '<address id="1" type', 1))
    )
    assert [(one.get("id"), one.findtext("city")) for one in answer.findall("addresses/address")] == [
        ("1", "Utrecht"),
        ("2", "Zeist"),
    ]


async def test_a_creditor_with_a_blocked_account(client: Client) -> None:
    blocked = BANK.replace(
        "</banks>",
        '<bank default="false" blocked="true"><ascription>G-rekening</ascription>'
        "<iban>NL20INGB0001234567</iban></bank></banks>",
    )
    conditions = (
        "<blockedaccountpaymentconditions><percentage>20.00</percentage><includevat>false</includevat>"
        "</blockedaccountpaymentconditions>"
    )
    answer = await client.process(client.dimension("CRD", "20017", "Jansen", blocked + conditions))
    assert answer.get("result") == "1"
    assert [bank.get("blocked") for bank in answer.findall("banks/bank")] == [None, "true"]
    assert answer.findtext("blockedaccountpaymentconditions/percentage") == "20.00"
    assert answer.findtext("financials/substitutewith") == "1600"
    assert (await client.process(client.debtor(inside=conditions))).get("result") == "0"


async def test_several_at_once_are_decided_one_by_one(client: Client) -> None:
    answer = await client.process(f"<dimensions>{client.debtor()}{client.debtor('K-77')}</dimensions>")
    assert answer.get("result") == "0"
    assert [one.get("result") for one in answer] == ["1", "0"]
    assert len((await client.control.books(client.id))["debtors"]) == 1


async def test_an_office_that_is_not_there(client: Client) -> None:
    answer = await client.process(client.debtor().replace(client.office, "ELDERS"))
    assert messages(answer) == {"office": "De administratie bestaat niet."}


async def test_what_is_in_use_is_not_deleted_but_can_be_inactive(client: Client) -> None:
    await client.make()
    await client.book(client.sale())
    gone = client.dimension("DEB", "10023", "Bakkerij", status="deleted")
    assert (await client.process(gone)).get("result") == "0"
    idle = client.dimension("DEB", "10023", "Bakkerij", status="inactive")
    assert (await client.process(idle)).get("status") == "inactive"
    assert await client.found("DIM", dimtype="DEB") == []
    assert (await client.process(client.sale("2"))).get("result") == "0"
    await client.make("DEB", "10024")
    assert (await client.process(gone.replace("10023", "10024"))).get("result") == "1"
    assert messages(await client.process(reading(client, "10024")))


async def test_cost_centres_and_projects_can_be_made(client: Client) -> None:
    assert (await client.process(client.dimension("PRJ", "P2026014", "Leidsche Rijn"))).get("result") == "1"
    assert await client.found("DIM", "P*", dimtype="PRJ") == [["P2026014", "Leidsche Rijn"]]
    assert ["1", "Installatie"] in await client.found("DIM", dimtype="KPL")
    assert messages(await client.process(client.dimension("BAS", "1999", "x"))) == {
        "type": "Dimensietype BAS bestaat niet."
    }


# --- the Finder ---


async def test_relations_are_found_by_code_name_bank_and_address(client: Client) -> None:
    await client.process(client.debtor(inside=ADDRESS + BANK))
    await client.make("DEB", "10024")
    korenaar, other = ["10023", "Bakkerij De Korenaar B.V."], ["10024", "Bakkerij De Korenaar B.V."]
    assert await client.found("DIM", "*korenaar*", 2, dimtype="DEB") == [korenaar, other]
    assert await client.found("DIM", "1002?", 1, dimtype="DEB") == [korenaar, other]
    assert await client.found("DIM", "10023", 1, dimtype="DEB") == [korenaar]
    assert await client.found("DIM", "10023", 2, dimtype="DEB") == []
    assert await client.found("DIM", "NL91ABNA0417164300", 3, dimtype="DEB") == [korenaar]
    assert await client.found("DIM", "Oudegracht*", 4, dimtype="DEB") == [korenaar]
    assert await client.found("DIM", "*", dimtype="CRD") == []


async def test_the_finder_pages(client: Client) -> None:
    for code in range(10001, 10006):
        await client.make("DEB", str(code))
    found = await client.found("DIM", dimtype="DEB", first=3, most=2)
    assert [row[0] for row in found] == ["10003", "10004"]


async def test_daybooks_vat_codes_and_offices(client: Client) -> None:
    assert await client.found("TRS", category="sales") == [["VRK", "Verkoopfactuur"]]
    assert await client.found("TRS", category="purchase") == [["INK", "Inkoopfactuur"]]
    sales = [row[0] for row in await client.found("VAT", vattype="sales")]
    assert sales[:3] == ["VH", "VL", "VN"]
    assert not {"IH", "IV"} & set(sales)
    assert await client.found("OFF") == [[client.office, client.company["name"]]]


async def test_unpaid_invoices(client: Client) -> None:
    await client.make()
    await client.make("CRD", "20005")
    await client.book(client.sale())
    await client.book(client.purchase())
    await client.control.ask(
        "POST", "payments", {"company": client.id, "number": "2026-0412", "amount": "21.00"}
    )
    name = "Bakkerij De Korenaar B.V."
    assert await client.found("IVT") == [
        ["2026-0412", "100.00", "10023", name, "C"],
        ["88123", "121.00", "20005", "Van Dijk", "D"],
    ]


@pytest.mark.parametrize(
    ("kind", "changes", "code"),
    [
        ("XYZ", {}, "InvalidFinderType"),
        ("DIM", {}, "OptionMandatory"),
        ("DIM", {"dimtype": "XYZ"}, "InvalidEnumerationOptionValue"),
        ("DIM", {"dimtype": "DEB", "colour": "red"}, "OptionNotAllowed"),
        ("DIM", {"dimtype": "DEB", "office": "ELDERS"}, "NoAccessToOffice"),
        ("TRS", {"office": "A", "company": "B"}, "OptionCompanyAndOptionOfficeCannotBeBothProvided"),
        ("VAT", {"field": 9}, "ParameterOutOfRange"),
        ("VAT", {"first": 0}, "ParameterTooSmall"),
    ],
)
async def test_searches_that_are_refused(
    client: Client, kind: str, changes: dict[str, object], code: str
) -> None:
    answer = await client.find(kind, **changes)  # type: ignore[arg-type]
    assert [element.text for element in answer.iter("{http://www.twinfield.com/}Code")] == [code]


async def test_a_vat_code_with_its_dated_percentages(client: Client) -> None:
    read = await client.process("<read><type>vat</type><code>VH</code></read>")
    assert read.findtext("type") == "sales"
    last = read.findall("percentages/percentage")[-1]
    assert (last.findtext("date"), last.findtext("percentage")) == ("20121001", "21.000000000")
    reverse = await client.process("<read><type>vat</type><code>IV</code></read>")
    accounts = reverse.findall("percentages/percentage")[-1].findall("accounts/account")
    assert [one.findtext("percentage") for one in accounts] == ["100.000000000", "-100.000000000"]
    assert messages(await client.process("<read><type>vat</type><code>21</code></read>"))
