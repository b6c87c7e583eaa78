"""What can be wrong with settings, in sentences: each by itself, and between them. No secret is repeated."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from cryptography.fernet import Fernet
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, SecretStr, ValidationError

if TYPE_CHECKING:
    from ops.setting_groups import KafkaSettings
    from ops.settings import Settings

DELIMITER = "__"


@dataclass(frozen=True)
class Finding:
    """One setting that is missing or wrong."""

    name: str
    sentence: str


def env_name(*path: str) -> str:
    """The environment variable of a setting."""
    return DELIMITER.join(path).upper()


def sentences(error: ValidationError, raw: Mapping[str, Any], model: type[BaseModel]) -> Iterator[Finding]:
    """A sentence for each setting that is wrong by itself or does not exist."""
    seen: set[str] = set()
    for detail in error.errors():
        path = [part for part in detail["loc"] if isinstance(part, str)][:2]
        name = env_name(*path)
        if name in seen:
            continue
        seen.add(name)
        if detail["type"] == "extra_forbidden":
            yield Finding(name, f"There is no such setting.{_suggestion(path, model)}")
        else:
            yield Finding(name, _what_it_must_be(detail["msg"], path, raw, model))


def _suggestion(path: list[str], model: type[BaseModel]) -> str:
    group = model.model_fields[path[0]].annotation if path[0] in model.model_fields else None
    if len(path) < 2 or not (isinstance(group, type) and issubclass(group, BaseModel)):
        return ""
    close = difflib.get_close_matches(path[1], group.model_fields, n=1)
    return f" Did you mean {env_name(path[0], close[0])}?" if close else ""


def _what_it_must_be(message: str, path: list[str], raw: Mapping[str, Any], model: type[BaseModel]) -> str:
    must = message.replace("Input should be", "It must be").rstrip(".")
    if must.startswith("String should"):
        must = must.replace("String should", "It must", 1)
    value: Any = raw
    annotation: Any = model
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
        annotation = annotation.model_fields[part].annotation if hasattr(annotation, "model_fields") else None
    shown = "" if is_secret(annotation) or not isinstance(value, str) else f", not {value[:80]!r}"
    return f"{must}{shown}."


def is_secret(annotation: object) -> bool:
    """Whether a setting of this type must never be shown."""
    return "SecretStr" in str(annotation) or annotation is SecretStr


def findings(settings: Settings, needed: Collection[str], already: Collection[str]) -> list[Finding]:
    """What is missing, or wrong between settings that are right each by itself.

    Settings in `already` have their sentence.
    """
    checks = (
        *_missing(settings, needed),
        *_kafka(settings.kafka, already),
        *_database(settings),
        *_keys(settings),
    )
    return [finding for finding in checks if finding.name not in already]


def _missing(settings: Settings, needed: Collection[str]) -> Iterator[Finding]:
    present = {
        "KAFKA__BOOTSTRAP_SERVERS": bool(settings.bootstrap_servers),
        "DATABASE__URL": bool(settings.database_url),
        "CREDENTIALS__KEYS": bool(settings.credential_keys),
    }
    examples = {
        "KAFKA__BOOTSTRAP_SERVERS": "`host:port` of one or more brokers",
        "DATABASE__URL": "`postgresql://user:password@host:port/database`",
        "CREDENTIALS__KEYS": "one or more Fernet keys, newest first (`python -c 'from cryptography.fernet "
        "import Fernet; print(Fernet.generate_key().decode())'` makes one)",
    }
    for name in needed:
        if not present[name]:
            yield Finding(name, f"It is missing: {examples[name]}.")


def _kafka(kafka: KafkaSettings, already: Collection[str]) -> Iterator[Finding]:
    for server in filter(None, (part.strip() for part in (kafka.bootstrap_servers or "").split(","))):
        host, colon, port = server.rpartition(":")
        if not (host and colon and port.isdigit() and 0 < int(port) < 65_536):
            yield Finding("KAFKA__BOOTSTRAP_SERVERS", f"{server!r} is not `host:port`.")
    protocol = kafka.security_protocol
    # Which of the others belong to a protocol that could not be read is anybody's guess.
    if "KAFKA__SECURITY_PROTOCOL" in already:
        return
    login = {
        "KAFKA__SASL_MECHANISM": kafka.sasl_mechanism,
        "KAFKA__SASL_USERNAME": kafka.sasl_username,
        "KAFKA__SASL_PASSWORD": kafka.sasl_password,
    }
    tls = {
        "KAFKA__SSL_CAFILE": kafka.ssl_cafile,
        "KAFKA__SSL_CERTFILE": kafka.ssl_certfile,
        "KAFKA__SSL_KEYFILE": kafka.ssl_keyfile,
    }
    for name, value in login.items():
        if protocol.uses_sasl and value is None:
            yield Finding(
                name, f"It is missing: KAFKA__SECURITY_PROTOCOL is {protocol}, which needs a login."
            )
        if not protocol.uses_sasl and value is not None:
            yield Finding(
                name, f"It has no effect: KAFKA__SECURITY_PROTOCOL is {protocol}. A login needs SASL_SSL."
            )
    for name, path in tls.items():
        if path is None:
            continue
        if not protocol.uses_tls:
            yield Finding(
                name, f"It has no effect: KAFKA__SECURITY_PROTOCOL is {protocol}. TLS needs SSL or SASL_SSL."
            )
        elif not _readable(path):
            yield Finding(name, f"The file {path} cannot be read.")
    if kafka.ssl_keyfile is not None and kafka.ssl_certfile is None:
        yield Finding("KAFKA__SSL_CERTFILE", "It is missing: KAFKA__SSL_KEYFILE is the key of a certificate.")


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _database(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url
    if not url:
        return
    if not url.startswith(("postgresql://", "postgres://")):
        yield Finding("DATABASE__URL", "It must start with postgresql:// .")
        return
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        # libpq quotes the whole text in some messages, and the text has a password.
        reason = str(error).strip()
        shown = f" ({reason})" if url not in reason and ":" not in reason.partition('"')[2] else ""
        yield Finding("DATABASE__URL", f"It is not a PostgreSQL address{shown}.")
        return
    if not str(parts.get("port", "5432")).replace(",", "").isdigit():
        yield Finding("DATABASE__URL", "Its port is not a number.")
    if not parts.get("dbname"):
        yield Finding("DATABASE__URL", "It names no database: postgresql://user:password@host:port/database.")


def _keys(settings: Settings) -> Iterator[Finding]:
    wrong = []
    for position, key in enumerate(settings.credential_keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            wrong.append(str(position))
    if wrong:
        yield Finding(
            "CREDENTIALS__KEYS",
            f"Not a Fernet key (32 bytes in url-safe base64, 44 characters): number {', '.join(wrong)}.",
        )
