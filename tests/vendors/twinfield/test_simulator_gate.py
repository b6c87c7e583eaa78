"""What the simulated Twinfield checks before a document: envelope, token, cluster, office, credits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from lxml import etree

from tests.vendors.twinfield.foreign_client import TWINFIELD, Client, connected, detail, total

OFFICES = "<list><type>offices</type></list>"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with connected() as client:
        yield client


def fault(answer: httpx.Response) -> tuple[str | None, str | None]:
    """Code and text of a SOAP fault."""
    assert answer.status_code == 500, answer.text
    root = etree.fromstring(answer.content)
    assert root.findtext(".//faultstring") == root.findtext(".//detail/message")
    return root.findtext(".//detail/code"), root.findtext(".//faultstring")


def by_status_line(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.reason_phrase


# --- who ---


async def test_an_unknown_and_an_expired_token_are_told_in_the_status_line(client: Client) -> None:
    good, client.token = client.token, "no"
    assert by_status_line(await client.send(OFFICES)) == (401, "354 : Access denied. Token invalid.")
    client.token = good
    client.clock.move(seconds=3600)
    assert by_status_line(await client.send(OFFICES)) == (401, "354 : Access denied. Token invalid.")


async def test_an_expired_token_can_also_be_a_fault(client: Client) -> None:
    await client.settings(expired_token_answer="fault", language="en")
    client.clock.move(seconds=3600)
    code, text = fault(await client.send(OFFICES))
    assert (code, text) == ("103", "Your logon credentials are not valid anymore. Try to log on again.")


async def test_without_a_token_or_with_the_header_of_other_services_it_is_missing(client: Client) -> None:
    inner = f"<AccessToken>{client.token}</AccessToken><CompanyCode>{client.office}</CompanyCode>"
    for header in ("", f'<Authentication xmlns="{TWINFIELD}">{inner}</Authentication>'):
        assert fault(await client.send(OFFICES, header=header))[0] == "101"
    late = f"<CompanyCode>{client.office}</CompanyCode><AccessToken>{client.token}</AccessToken>"
    header = f'<Header xmlns="{TWINFIELD}">{late}</Header>'
    assert fault(await client.send(OFFICES, header=header))[0] == "101"


async def test_the_company_id_may_be_left_out(client: Client) -> None:
    inner = f"<AccessToken>{client.token}</AccessToken><CompanyCode>{client.office}</CompanyCode>"
    answer = await client.send(OFFICES, header=f'<Header xmlns="{TWINFIELD}">{inner}</Header>')
    assert answer.status_code == 200


async def test_a_scope_that_is_missing(client: Client) -> None:
    await client.settings(scopes=["openid", "twf.organisation"])
    client.token = (await client.ask_token()).json()["access_token"]
    assert by_status_line(await client.send(OFFICES))[1].startswith("351 : ")


async def test_another_cluster_is_refused_and_validation_names_the_right_one(client: Client) -> None:
    await client.settings(cluster="api.accounting2")
    assert fault(await client.send(OFFICES))[0] == "108"
    client.cluster = (await client.validate()).json()["twf.clusterUrl"]
    assert client.cluster.endswith("/api.accounting2")
    assert (await client.send(OFFICES)).status_code == 200


@pytest.mark.parametrize(("code", "status"), [(102, 403), (105, 403), (106, 403), (110, 500), (358, 500)])
async def test_access_can_be_refused(client: Client, code: int, status: int) -> None:
    await client.settings(access_code=code)
    answer = await client.send(OFFICES)
    assert answer.status_code == status
    if status == 403:
        assert answer.reason_phrase.startswith(f"{code} : ")
    else:
        assert fault(answer)[0] == str(code)


async def test_an_office_must_be_named_and_be_one_of_the_users(client: Client) -> None:
    read = "<read><type>vat</type><code>VH</code></read>"
    assert fault(await client.send(read, company="")) == (
        "101",
        "Toegang geweigerd. Company ontbreekt in request header.",
    )
    assert fault(await client.send(read, company="ELDERS"))[0] == "109"
    assert (await client.send(OFFICES, company="")).status_code == 200


async def test_the_language_is_that_of_the_user(client: Client) -> None:
    await client.settings(language="en")
    code, text = fault(await client.send("<read><type>vat</type></read>", company=""))
    assert (code, text) == ("101", "Access denied. Company missing in request header.")


# --- envelope ---


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<ProcessXmlString><xmlRequest/></ProcessXmlString>",
        f'<ProcessXmlString xmlns="{TWINFIELD}"><xmlRequest><list/></xmlRequest></ProcessXmlString>',
    ],
)
async def test_a_bad_envelope_is_an_empty_400(client: Client, body: str) -> None:
    answer = await client.post(body)
    assert (answer.status_code, answer.content) == (400, b"")


async def test_media_type_and_action_must_fit(client: Client) -> None:
    assert (await client.send(OFFICES, content_type="application/json")).status_code == 400
    answer = await client.send(OFFICES, action="ProcessXmlCompressed")
    assert answer.status_code == 500
    assert "did not recognize the value of HTTP Header SOAPAction" in answer.text


async def test_cdata_and_a_declaration_are_read_like_escaped_text(client: Client) -> None:
    body = "<![CDATA[<?xml version='1.0' encoding='utf-8'?>\n<list>\n <type>offices</type>\n</list>]]>"
    answer = await client.post(
        f'<ProcessXmlString xmlns="{TWINFIELD}"><xmlRequest>{body}</xmlRequest></ProcessXmlString>'
    )
    assert answer.status_code == 200


async def test_a_document_as_xml(client: Client) -> None:
    body = '<xmlRequest><list xmlns=""><type>offices</type></list></xmlRequest>'
    answer = await client.post(
        f'<ProcessXmlDocument xmlns="{TWINFIELD}">{body}</ProcessXmlDocument>', action="ProcessXmlDocument"
    )
    office = etree.fromstring(answer.content).find(".//office")
    assert office is not None
    assert office.text == client.office


@pytest.mark.parametrize(
    "document",
    [
        "",
        "<list><type>offices</type>",
        "<list><!-- all --><type>offices</type></list>",
        "<!DOCTYPE list []><list><type>offices</type></list>",
        "<list>all<type>offices</type></list>",
        '<list xmlns="urn:x"><type>offices</type></list>',
        "<general><dimensions/></general>",
        "<transactions/>",
        "<transactions><dimension/></transactions>",
        "<salesinvoice/>",
    ],
)
async def test_a_document_that_is_none(client: Client, document: str) -> None:
    assert fault(await client.send(document)) == ("187", "Ongeldige XML-gegevens.")


async def test_more_than_a_thousand_lines_are_a_400(client: Client) -> None:
    await client.make()
    lines = total("10023", "999.00") + detail("8000", "1.00", "VN") * 999
    assert (await client.process(client.transaction(lines))).get("result") == "1"
    lines += detail("8000", "1.00", "VN")
    assert (await client.send(client.transaction(lines, number="2"))).status_code == 400


async def test_unknown_types_are_not_implemented(client: Client) -> None:
    for document in ("<list><type>x</type></list>", "<read><type>x</type><code>1</code></read>"):
        answer = await client.process(document)
        assert answer.get("result") == "0"
        assert answer.find("type").get("msg") == "Type niet geïmplementeerd."


async def test_a_read_without_code_has_no_access(client: Client) -> None:
    answer = await client.process(f"<read><type>vat</type><office>{client.office}</office></read>")
    assert answer.find("office").get("msg") == "U hebt geen toegang tot deze administratie."


async def test_what_is_not_served(client: Client) -> None:
    for path in ("webservices/session.asmx", "nothing"):
        assert (await client.http.get(f"{client.cluster}/{path}")).status_code == 404
    assert (await client.http.get(f"{client.cluster}/webservices/finder.asmx")).status_code == 405


# --- credits ---


async def test_calls_cost_credits_and_too_many_must_wait(client: Client) -> None:
    await client.settings(limits="uncertified")
    answer = await client.send(OFFICES)
    assert [answer.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Credited")] == [
        "25",
        "24",
        "1",
    ]
    client.clock.move(seconds=10)
    for _ in range(8):
        answer = await client.send(client.debtor())
    assert [answer.headers[f"X-RateLimit-{name}"] for name in ("Remaining", "Credited")] == ["0", "3"]
    refused = await client.send(OFFICES)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "50")
    client.clock.move(seconds=50)
    assert (await client.send(OFFICES)).status_code == 200
    assert (await client.send(client.debtor())).headers["Retry-After"] == "10"


async def test_all_organisations_together_spend_the_credits_of_the_client(client: Client) -> None:
    await client.settings(limits="uncertified")
    for _ in range(25):
        assert (await client.send(OFFICES)).status_code == 200
    other = Client(client.control, {}, client.http, client.clock)
    for place in range(2):
        other.company = await client.control.company("twinfield", settings={"limits": "uncertified"})
        await other.log_in()
        for _ in range(25 - place):
            answer = await other.send(OFFICES)
            if answer.status_code != 200:
                break
    assert answer.status_code == 429


async def test_no_more_than_ten_calls_at_once(client: Client) -> None:
    await client.control.fault("latency", company=client.id, latency_ms=300)
    answers = await asyncio.gather(*(client.send(OFFICES) for _ in range(11)))
    assert sorted({answer.status_code for answer in answers}) in ([429], [200, 429])
    await client.control.ask("DELETE", "faults")
    assert (await client.send(OFFICES)).status_code == 200


async def test_limits_can_be_off(client: Client) -> None:
    await client.settings(limits="off")
    assert "X-RateLimit-Limit" not in (await client.send(OFFICES)).headers


# --- faults that are ordered ---


async def test_ordered_faults_speak_as_the_vendor_does(client: Client) -> None:
    fault_of = client.control.fault
    await fault_of("rate_limit", company=client.id, retry_after=7)
    answer = await client.send(OFFICES)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    await fault_of("status", company=client.id, status=500)
    assert fault(await client.send(OFFICES)) == ("100", "An error occurred on the server.")
    await fault_of("status", company=client.id, status=403)
    assert by_status_line(await client.send(OFFICES)) == (403, "102 : Access denied.")
    await fault_of("token_revoked", company=client.id, operation="read")
    assert by_status_line(await client.send(OFFICES))[0] == 401
    assert by_status_line(await client.send(OFFICES)) == (401, "354 : Access denied. Token invalid.")
    await client.log_in()
    assert (await client.send(OFFICES)).status_code == 200
    await fault_of("token_revoked", company=client.id, operation="token")
    assert (await client.ask_token()).json() == {"error": "invalid_grant"}


async def test_a_fault_after_a_booking_strikes_only_what_was_booked(client: Client) -> None:
    await client.make()
    await client.control.fault("status_after", company=client.id, operation="write", status=500)
    refused = await client.process(client.sale(relation="19999"))
    assert refused.get("result") == "0"
    assert fault(await client.send(client.sale()))[0] == "100"
    [sale] = (await client.control.books(client.id))["sales"]
    assert sale["number"] == "2026-0412"


async def test_the_log_names_what_was_asked(client: Client) -> None:
    await client.make()
    await client.book(client.sale())
    await client.process(f"<transactions>{client.sale()}</transactions>")
    await client.process("<read><type>vat</type><code>VH</code></read>")
    await client.browse()
    await client.found("DIM", dimtype="DEB")
    calls = await client.control.log(company=client.id)
    assert [call["operation"] for call in calls] == [
        "token.POST",
        "accesstokenvalidation.GET",
        "dimensions",
        "transactions",
        "transactions",
        "read.vat",
        "columns.100",
        "finder.DIM",
    ]
    assert [call["detail"] for call in calls if call["detail"]] == [
        "Factuurnummer 2026-0412 komt reeds voor."
    ]
