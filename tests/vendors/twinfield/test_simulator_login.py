"""Tokens of the simulated Twinfield: consent, refresh, validation with the cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.vendors.twinfield.foreign_client import Client, connected

BACK = "https://enk.example/callback"
SCOPE = "openid twf.user twf.organisation twf.organisationUser offline_access"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with connected() as client:
        yield client


async def test_a_refresh_token_gives_an_access_token_and_stays(client: Client) -> None:
    refresh = client.company["credentials"]["refresh_token"]
    for _ in range(2):
        answer = (await client.ask_token()).json()
        assert (answer["token_type"], answer["expires_in"], answer["refresh_token"]) == (
            "Bearer",
            3600,
            refresh,
        )


async def test_a_rotated_refresh_token_is_good_once(client: Client) -> None:
    await client.settings(rotate_refresh_tokens=True)
    new = (await client.ask_token()).json()["refresh_token"]
    old = await client.ask_token()
    assert (old.status_code, old.json()) == (400, {"error": "invalid_grant"})
    assert (await client.ask_token(grant_type="refresh_token", refresh_token=new)).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "no"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "no", "redirect_uri": BACK}, "invalid_grant"),
        ({"grant_type": "password", "username": "x"}, "unsupported_grant_type"),
    ],
)
async def test_what_gives_no_token(client: Client, form: dict[str, str], error: str) -> None:
    answer = await client.ask_token(**form)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_the_client_authenticates_by_basic(client: Client) -> None:
    given = client.company["credentials"]
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    url = client.company["urls"]["token_url"]
    wrong = httpx.BasicAuth(given["client_id"], "wrong")
    for answer in (
        await client.http.post(url, data=form),
        await client.http.post(url, data=form, auth=wrong),
    ):
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})


async def test_a_withdrawn_consent_ends_all(client: Client) -> None:
    await client.settings(consent_active=False)
    assert (await client.ask_token()).json() == {"error": "invalid_grant"}
    assert (await client.validate()).status_code == 400


async def test_validation_names_user_organisation_and_cluster(client: Client) -> None:
    claims = (await client.validate()).json()
    identity = client.company["identity"]
    assert claims["twf.organisationId"] == identity["organisationId"]
    assert claims["twf.organisationCode"] == identity["organisationCode"]
    assert claims["twf.organisationUserCode"] == "ENKAPI"
    assert claims["twf.clusterUrl"] == client.company["urls"]["cluster_url"]
    assert claims["client_id"] == client.company["credentials"]["client_id"]
    assert claims["exp"] == int(client.clock.now.timestamp()) + 3600


async def test_an_expired_token_is_not_valid(client: Client) -> None:
    client.clock.move(seconds=3600)
    answer = await client.validate()
    assert answer.status_code == 400
    assert "Message" in answer.json()


async def test_the_cluster_may_be_left_out(client: Client) -> None:
    await client.settings(cluster_claim=False)
    assert "twf.clusterUrl" not in (await client.validate()).json()
    await client.settings(cluster_claim=True, scopes=["openid", "twf.organisationUser"])
    client.token = (await client.ask_token()).json()["access_token"]
    claims = (await client.validate()).json()
    assert "twf.clusterUrl" not in claims
    assert "twf.organisationId" not in claims


async def authorize(client: Client, **changes: str) -> httpx.Response:
    query = {
        "client_id": client.company["credentials"]["client_id"],
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": SCOPE,
        "state": "s-1",
        "nonce": "n-1",
        **changes,
    }
    return await client.http.get(client.company["urls"]["authorize_url"], params=query)


def came_back(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


async def test_consent_gives_a_code_that_is_redeemed_once(client: Client) -> None:
    back = came_back(await authorize(client))
    assert back["state"] == "s-1"
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
    answer = await client.ask_token(**form)
    assert answer.status_code == 200
    given = answer.json()
    assert given["id_token"]
    assert given["refresh_token"] != client.company["credentials"]["refresh_token"]
    assert (await client.ask_token(**form)).json() == {"error": "invalid_grant"}
    again = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    assert (await client.ask_token(**again)).status_code == 200


async def test_a_code_belongs_to_its_address_and_does_not_last(client: Client) -> None:
    code = came_back(await authorize(client))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{BACK}/other"}
    assert (await client.ask_token(**form)).json() == {"error": "invalid_grant"}
    code = came_back(await authorize(client))["code"]
    client.clock.move(seconds=301)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    assert (await client.ask_token(**form)).json() == {"error": "invalid_grant"}


async def test_consent_without_offline_access_gives_no_refresh_token(client: Client) -> None:
    back = came_back(await authorize(client, scope="openid twf.organisationUser"))
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
    assert "refresh_token" not in (await client.ask_token(**form)).json()


@pytest.mark.parametrize(
    "changes", [{"client_id": "other"}, {"nonce": ""}, {"redirect_uri": "/relative"}, {"scope": ""}]
)
async def test_a_request_for_consent_that_goes_nowhere(client: Client, changes: dict[str, str]) -> None:
    assert (await authorize(client, **changes)).status_code == 400


async def test_a_request_for_consent_that_comes_back_with_an_error(client: Client) -> None:
    assert came_back(await authorize(client, scope="openid"))["error"] == "invalid_scope"
    assert came_back(await authorize(client, response_type="token"))["error"] == "unsupported_response_type"


async def test_of_several_organisations_one_is_chosen(client: Client) -> None:
    other = await client.control.company("twinfield", name="Ander & Co")
    page = await authorize(client)
    assert page.status_code == 200
    assert "Ander &amp; Co" in page.text
    code = came_back(await authorize(client, acr_values=other["company"]))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    client.token = (await client.ask_token(**form)).json()["access_token"]
    claims = (await client.validate()).json()
    assert claims["twf.organisationId"] == other["identity"]["organisationId"]


async def test_offices_of_one_organisation_share_its_tokens(client: Client) -> None:
    settings = {"organisation": client.company["identity"]["organisationCode"], "office": "NLA02"}
    other = await client.control.company("twinfield", settings=settings)
    assert other["credentials"] == {**client.company["credentials"], "office": "NLA02"}
    listed = await client.process("<list><type>offices</type></list>")
    assert [office.text for office in listed] == [client.office, "NLA02"]
    await client.control.ask("POST", "companies", {"package": "twinfield", "settings": settings}, status=422)
