"""Secrets do not reach a log, whatever field or text they hide in."""

import io
import json
import logging

import pytest
import structlog

from telemetry.logging import configure
from telemetry.redaction import REDACTED, redact_event, redact_text

SECRET = "c2VjcmV0OnBhcnQy"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"sent Basic {SECRET} to the package",
        f"grant_type=clientkey&clientkey={SECRET}&x=1",
        f'{{"access_token": "{SECRET}", "expires_in": 3600}}',
        f"{{'refresh_token': '{SECRET}'}}",
        f"Ocp-Apim-Subscription-Key: {SECRET}",
        f"koppelsleutel={SECRET}",
        f"postgresql://koppeling:{SECRET}@db.example:5432/koppeling",
        f"https://api.example/v2?subscription-key={SECRET}&top=10",
        f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.c2ln",
        f"password = {SECRET}",
    ],
)
def test_a_secret_in_a_text_is_replaced(text: str) -> None:
    redacted = redact_text(text)
    assert SECRET not in redacted
    assert REDACTED in redacted


@pytest.mark.parametrize(
    "text",
    [
        "booked invoice 2026-0012 on relation 00123, € 1.210,00",
        "https://api.example/v2/relaties?$filter=Relatiecode eq 12",
        "the token was refused",
        "NL91ABNA0417164300",
    ],
)
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "access_token",
        "Authorization",
        "koppelsleutel",
        "clientKey",
        "client_secret",
        "sasl_password",
    ],
)
def test_a_field_with_a_secret_name_is_replaced_at_any_depth(name: str) -> None:
    event = redact_event(None, "info", {"event": "connected", "request": {"headers": [{name: SECRET}]}})
    assert SECRET not in repr(event)


def test_fields_that_only_sound_secret_stay() -> None:
    fields = {"event": "token_refreshed", "token_type": "bearer", "key_id": "k1", "attempt": 3, "token": None}
    assert redact_event(None, "info", dict(fields)) == fields


@pytest.fixture
def written() -> "io.StringIO":
    stream = io.StringIO()
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    configure(stream=stream, as_json=True)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers[:], logging.getLogger().level = handlers, level


def test_our_events_are_one_json_object_a_line(written: io.StringIO) -> None:
    structlog.get_logger("streams").info("intake_ready", instance="a", password=SECRET)
    line = json.loads(written.getvalue())
    assert (line["event"], line["instance"], line["level"], line["logger"]) == (
        "intake_ready",
        "a",
        "info",
        "streams",
    )
    assert line["password"] == REDACTED


def test_messages_of_libraries_have_the_same_form_and_lose_their_secrets(written: io.StringIO) -> None:
    logging.getLogger("httpx").warning("POST https://host/token?client_secret=%s", SECRET)
    line = json.loads(written.getvalue())
    assert line["level"] == "warning"
    assert SECRET not in line["event"]


def test_a_secret_in_an_exception_is_replaced(written: io.StringIO) -> None:
    try:
        raise ValueError(f"refused: clientkey={SECRET}")
    except ValueError:
        structlog.get_logger("vendors").exception("token_call_failed")
    line = json.loads(written.getvalue())
    assert "ValueError" in line["exception"]
    assert SECRET not in line["exception"]


def test_the_console_form_is_redacted_too() -> None:
    stream = io.StringIO()
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    configure(stream=stream, as_json=False)
    try:
        structlog.get_logger("x").warning("refused", authorization=f"Bearer {SECRET}")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:], logging.getLogger().level = handlers, level
    assert "refused" in stream.getvalue()
    assert SECRET not in stream.getvalue()
