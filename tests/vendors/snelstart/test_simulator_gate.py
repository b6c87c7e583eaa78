"""Keys, tokens, scopes and limits of the simulated SnelStart."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from tests.vendors.simulation.driving import Hands, Office, open_office, serving
from vendors.snelstart.simulator.company import SnelStartCompany


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def office(clock: Hands) -> AsyncIterator[Office]:
    async with serving(clock=clock) as (_, control):
        yield await open_office(control, name="Installatie B.V.", kvk_number="24123456")


async def test_a_token_is_given_for_the_koppelsleutel_alone(office: Office) -> None:
    answer = await office.log_in()
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 3599
    url = office.company["urls"]["auth_url"]
    wrong = await office.http.post(url, data={"grant_type": "clientkey", "clientkey": "d3Jvbmc6a2V5"})
    assert wrong.status_code == 400
    assert wrong.json() == {
        "error": "GrantType clientkey was found. Parameter clientkey does not contain a valid value"
    }
    assert (await office.http.post(url, data={"grant_type": "client_credentials"})).status_code == 400


async def test_the_password_grant_takes_the_two_halves_of_the_key(office: Office) -> None:
    pair = base64.b64decode(office.company["credentials"]["koppelsleutel"]).decode()
    username, _, password = pair.partition(":")
    form = {"grant_type": "password", "username": username, "password": password}
    answer = await office.http.post(office.company["urls"]["auth_url"], data=form)
    assert answer.status_code == 200


async def test_the_subscription_key_is_checked_on_every_call(office: Office) -> None:
    url = f"{office.company['urls']['api_url']}/companyInfo"
    bearer = {"Authorization": f"Bearer {office.token}"}
    missing = await office.http.get(url, headers=bearer)
    assert (missing.status_code, missing.json()["statusCode"]) == (401, 401)
    assert "missing subscription key" in missing.json()["message"]
    wrong = await office.http.get(url, headers={**bearer, "Ocp-Apim-Subscription-Key": "0" * 32})
    assert "invalid subscription key" in wrong.json()["message"]
    key = office.company["credentials"]["subscription_key"]
    assert (await office.http.get(url, headers=bearer, params={"subscription-key": key})).status_code == 200


async def test_company_info_tells_which_administration_the_key_opens(office: Office) -> None:
    info = (await office.get("companyInfo")).json()
    assert info["administratieIdentifier"] == office.company["identity"]["administratieIdentifier"]
    assert (info["administratieNaam"], info["kvKNummer"]) == ("Installatie B.V.", "24123456")
    assert info["huidigBoekjaar"] == 2026


async def test_echo_needs_no_token(office: Office) -> None:
    office.token = "geen"
    answer = await office.get("echo/hallo")
    assert (answer.status_code, answer.json()) == (200, "hallo")
    assert (await office.get("echo")).status_code == 204


async def test_a_token_expires_and_a_stranger_is_refused(office: Office, clock: Hands) -> None:
    clock.move(seconds=3598)
    assert (await office.get("companyInfo")).status_code == 200
    clock.move(seconds=1)
    assert (await office.get("companyInfo")).status_code == 401
    office.token = "verzonnen"
    assert (await office.get("companyInfo")).status_code == 401


async def test_a_missing_scope_is_403(office: Office) -> None:
    await office.settings(scopes=["relaties:read", "settings:read"])
    await office.log_in()
    assert (await office.get("relaties")).status_code == 200
    assert (await office.call("POST", "relaties", office.relation())).status_code == 403
    assert (await office.get("verkoopfacturen")).status_code == 403


async def test_a_koppelsleutel_that_is_no_longer_active_is_refused(office: Office) -> None:
    await office.settings(koppelsleutel_active=False)
    assert (await office.log_in()).status_code == 400
    await office.settings(koppelsleutel_active=True)
    assert (await office.log_in()).status_code == 200


async def test_token_revoked_ends_tokens_until_a_new_one(office: Office) -> None:
    await office.control.fault("token_revoked", company=office.id)
    assert (await office.get("companyInfo")).status_code == 401
    assert (await office.get("companyInfo")).status_code == 401
    await office.log_in()
    assert (await office.get("companyInfo")).status_code == 200
    fault = await office.control.fault("token_revoked", company=office.id, operation="token", count=9)
    assert (await office.log_in()).status_code == 400
    await office.control.ask("DELETE", f"faults/{fault}")
    assert (await office.log_in()).status_code == 200


async def test_the_minute_limit_lets_go_again(office: Office, clock: Hands) -> None:
    await office.settings(limits="ontwikkeling")
    statuses = [(await office.get("companyInfo")).status_code for _ in range(100)]
    assert statuses.count(200) == 100 - 3, "opening the office made three calls"
    answer = await office.get("companyInfo")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert answer.json()["message"] == "Rate limit is exceeded. Try again in 60 seconds."
    await office.settings(limit_retry_after=False)
    assert "Retry-After" not in (await office.get("companyInfo")).headers
    clock.move(seconds=60)
    assert (await office.get("companyInfo")).status_code == 200
    await office.settings(limits="off")
    assert [(await office.get("companyInfo")).status_code for _ in range(101)] == [200] * 101


async def test_the_hour_limit_in_both_forms(clock: Hands) -> None:
    async with serving(clock=clock) as (server, control):
        office = await open_office(control, settings={"limits": "ontwikkeling"})
        company = server.simulators["snelstart"].companies[office.id]
        assert isinstance(company, SnelStartCompany)
        clock.move(minutes=15)
        company.recent.extend(clock.now.timestamp() for _ in range(997))
        clock.move(minutes=2)
        refused = await office.get("landen")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(43 * 60))
        await office.settings(hourly_limit_form="403")
        quota = await office.get("landen")
        assert quota.status_code == 403
        assert quota.json()["message"] == "Out of call volume quota. Quota will be replenished in 00:43:00."
        assert quota.headers["Retry-After"] == str(43 * 60)
        clock.move(minutes=42)
        assert (await office.get("landen")).status_code == 403
        clock.move(minutes=1)
        await office.log_in()
        assert (await office.get("landen")).status_code == 200


async def test_tokens_of_one_company_do_not_open_another(office: Office) -> None:
    other = await open_office(office.control)
    await office.make_relation()
    assert [
        row["relatiecode"] for row in (await other.get("relaties", filter="Relatiecode gt 0")).json()
    ] == []


async def test_unknown_paths_and_methods(office: Office) -> None:
    assert (await office.get("verkoopboekingen")).status_code == 404
    assert (await office.call("POST", "verkoopfacturen", {})).status_code == 404
    url = office.company["urls"]["api_url"].replace("/v2", "/v9")
    assert (await office.http.get(url, headers=office.headers)).status_code == 404
