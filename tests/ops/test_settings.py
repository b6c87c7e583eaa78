from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ops.embedded.credential_key import credential_key
from ops.kafka_clients import kafka_client_config, streams_security
from ops.setting_table import markdown, settings_table
from ops.settings import Need, Settings, SettingsError, load

KEY = Fernet.generate_key().decode()
GOOD = {
    "KAFKA__BOOTSTRAP_SERVERS": "one.example:9092, two.example:9092",
    "DATABASE__URL": "postgresql://enk:geheim@db.example:5432/koppeling",
    "CREDENTIALS__KEYS": KEY,
}
ROOT = Path(__file__).parents[2]


def found(environment: dict[str, str], needs: tuple[Need, ...] = tuple(Need)) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(needs, environment)
    return {finding.name: finding.sentence for finding in caught.value.findings}


def test_good_settings_load_with_their_defaults() -> None:
    settings = load(environment=GOOD)

    assert settings.bootstrap_servers == ("one.example:9092", "two.example:9092")
    assert settings.database_url == GOOD["DATABASE__URL"]
    assert settings.credential_keys == (KEY,)
    assert settings.delivery.waiting_limit_seconds == 3600
    assert (settings.files.cut_documents, settings.files.quiet_seconds) == (500, 60)
    assert str(settings.snelstart.base_url) == "https://b2bapi.snelstart.nl/v2"


def test_everything_wrong_is_reported_at_once() -> None:
    sentences = found(
        {
            "KAFKA__BOOTSTRAP_SERVERS": "one.example",
            "KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA__SASL_USERNAME": "enk",
            "KAFKA__SSL_CAFILE": "/nowhere/ca.pem",
            "KAFKA__RETENTION": "7",
            "DATABASE__URL": "mysql://db",
            "DATABASE__POOLSIZE": "3",
            "CREDENTIALS__KEYS": f"{KEY},short",
            "DELIVERY__MAX_LANES": "many",
            "FILES__CUT_DOCUMENTS": "0",
            "LOG__LEVEL": "loud",
            "SNELSTART__BASE_URL": "nope",
        }
    )

    assert sentences.keys() == {
        "KAFKA__BOOTSTRAP_SERVERS",
        "KAFKA__SASL_MECHANISM",
        "KAFKA__SASL_PASSWORD",
        "KAFKA__SSL_CAFILE",
        "KAFKA__RETENTION",
        "DATABASE__URL",
        "DATABASE__POOLSIZE",
        "CREDENTIALS__KEYS",
        "DELIVERY__MAX_LANES",
        "FILES__CUT_DOCUMENTS",
        "LOG__LEVEL",
        "SNELSTART__BASE_URL",
    }
    assert "Did you mean DATABASE__POOL_SIZE?" in sentences["DATABASE__POOLSIZE"]
    assert "number 2" in sentences["CREDENTIALS__KEYS"]
    assert all(sentence.endswith((".", "?")) for sentence in sentences.values())


def test_everything_missing_is_reported_at_once() -> None:
    assert found({}).keys() == {need.value for need in Need}
    assert load((), {}).bootstrap_servers == ()


def test_an_empty_variable_is_not_set() -> None:
    assert found({**GOOD, "DATABASE__URL": " "}).keys() == {"DATABASE__URL"}


def test_variables_of_other_programs_are_left_alone() -> None:
    load(
        environment={**GOOD, "LOG": "x", "KAFKA": "y", "DATABASE_URL": "z", "OTHER__THING": "1", "FILES": "2"}
    )


@pytest.mark.parametrize(
    "url",
    ["postgresql://enk:geheim@db:port/koppeling", "postgresql://enk:geheim@[db/koppeling", "geheim"],
)
def test_a_bad_database_address_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environment={**GOOD, "DATABASE__URL": url})
    assert "DATABASE__URL" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_login_without_a_protocol_that_uses_it_is_reported() -> None:
    assert found({**GOOD, "KAFKA__SASL_USERNAME": "enk"}).keys() == {"KAFKA__SASL_USERNAME"}


def test_secrets_are_not_in_the_text_of_settings() -> None:
    settings = load(environment={**GOOD, "SNELSTART__SUBSCRIPTION_KEY": "sleutel"})
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert not any(secret in text for secret in ("geheim", KEY, "sleutel"))


def test_both_kafka_libraries_get_login_and_tls(tmp_path: Path) -> None:
    certificates = tmp_path / "ca.pem"
    paths = ssl.get_default_verify_paths()
    certificates.write_text("" if paths.cafile is None else Path(paths.cafile).read_text())
    settings = load(
        environment={
            **GOOD,
            "KAFKA__SECURITY_PROTOCOL": "sasl_ssl",
            "KAFKA__SASL_MECHANISM": "scram-sha-512",
            "KAFKA__SASL_USERNAME": "enk",
            "KAFKA__SASL_PASSWORD": "geheim",
            "KAFKA__SSL_CAFILE": str(certificates),
        }
    )

    assert kafka_client_config(settings) == {
        "bootstrap_servers": ["one.example:9092", "two.example:9092"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "enk",
        "sasl_plain_password": "geheim",
        "ssl_cafile": str(certificates),
    }
    security = streams_security(settings)
    assert (security.tls, security.mechanism, security.username, security.password, security.ca_file) == (
        True,
        "SCRAM-SHA-512",
        "enk",
        "geheim",
        certificates,
    )


def test_embedded_services_complete_what_is_not_set() -> None:
    embedded = {"bootstrap_servers": "127.0.0.1:1", "database_url": "postgresql://h/d", "credential_key": KEY}
    settings = load((), {}).with_embedded(**embedded)

    assert load(environment=settings.embedded_environment()) == settings
    assert load(environment=GOOD).with_embedded(**embedded) == load(environment=GOOD)


def test_the_key_of_a_data_directory_is_made_once_and_private(tmp_path: Path) -> None:
    key = credential_key(tmp_path / "new")

    assert credential_key(tmp_path / "new") == key
    assert Fernet(key)
    (file,) = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_every_setting_has_a_meaning_and_secrets_are_marked() -> None:
    rows = {row.name: row for row in settings_table()}

    assert all(row.meaning for row in rows.values())
    assert {name for name, row in rows.items() if row.secret} == {
        "KAFKA__SASL_PASSWORD",
        "DATABASE__URL",
        "CREDENTIALS__KEYS",
        "SNELSTART__SUBSCRIPTION_KEY",
    }
    assert len(rows) == sum(
        len(getattr(field.annotation, "model_fields", {"": None})) for field in Settings.model_fields.values()
    )


def test_the_page_in_the_manual_is_the_one_the_code_makes() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == markdown(), "run: python -m ops.setting_table"


def test_a_database_may_have_several_hosts() -> None:
    url = (
        "postgresql://enk:geheim@one.example:5432,two.example:5433/koppeling?target_session_attrs=read-write"
    )
    assert load(environment=GOOD | {"DATABASE__URL": url}).database_url == url


def test_every_setting_is_read_somewhere() -> None:
    folders = ("ops", "sinks", "sources", "streams", "telemetry", "ledger")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    code = "\n".join(path.read_text() for path in paths if path.name != "setting_groups.py")
    groups = [field.annotation for field in Settings.model_fields.values()]
    names = [name for group in groups for name in getattr(group, "model_fields", {})]
    assert len(names) > 40
    assert [name for name in names if f".{name}" not in code] == []
