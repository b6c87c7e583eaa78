"""Every setting with its type, default and meaning. The names in the environment are `GROUP__NAME`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt
from pydantic import SecretStr as Secret

_MIB = 1024 * 1024


class SecurityProtocol(StrEnum):
    """How the brokers are spoken to."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def uses_sasl(self) -> bool:
        """The brokers want a login."""
        return self in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}

    @property
    def uses_tls(self) -> bool:
        """The connection is encrypted."""
        return self in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}


class SaslMechanism(StrEnum):
    """How the login is proven."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class LogFormat(StrEnum):
    """What a log line looks like."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The lowest level that is written."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class SettingGroup(BaseModel):
    """Settings that share a prefix. A name that is not listed is an error: it is a slip of the pen."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=False)


class KafkaSettings(SettingGroup):
    """The broker."""

    bootstrap_servers: str | None = Field(
        None,
        description="`host:port` of one or more brokers, separated by commas. Without it, `koppeling up` "
        "starts an embedded broker; `streams` and `worker` need it.",
    )
    security_protocol: Annotated[SecurityProtocol, BeforeValidator(_upper)] = Field(
        SecurityProtocol.PLAINTEXT, description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    sasl_mechanism: Annotated[SaslMechanism, BeforeValidator(_upper)] | None = Field(
        None, description="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; with a SASL protocol."
    )
    sasl_username: str | None = Field(None, description="User for SASL.")
    sasl_password: Secret | None = Field(None, description="Password for SASL.")
    ssl_cafile: Path | None = Field(
        None, description="PEM file with the certificates to trust instead of the system's."
    )
    ssl_certfile: Path | None = Field(None, description="PEM file with our own certificate, for mutual TLS.")
    ssl_keyfile: Path | None = Field(None, description="PEM file with the key of that certificate.")
    group_prefix: str = Field(
        "koppeling",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Consumer groups are named `<prefix>.intake` and so on.",
    )
    replication_factor: PositiveInt | None = Field(
        None, description="Of the topics that `koppeling topics apply` creates; default is the brokers' own."
    )


class DatabaseSettings(SettingGroup):
    """PostgreSQL."""

    url: Secret | None = Field(
        None,
        description="`postgresql://user:password@host:port/database` (15 or newer). Without it, "
        "`koppeling up` starts an embedded PostgreSQL; all other processes need it.",
    )
    pool_size: PositiveInt = Field(8, description="Connections of one process, beside those of its own jobs.")
    statement_timeout_seconds: PositiveFloat = Field(30.0, description="A statement may take this long.")
    connect_timeout_seconds: PositiveInt = Field(10, description="A connection attempt may take this long.")


class CredentialSettings(SettingGroup):
    """The keys that the packages' credentials are encrypted with."""

    keys: Annotated[tuple[Secret, ...], BeforeValidator(_split)] = Field(
        (),
        description="Fernet keys separated by commas, newest first; the first encrypts, all decrypt. With "
        "embedded services one is created in the data directory.",
    )


class DeliverySettings(SettingGroup):
    """How documents are delivered."""

    call_timeout_seconds: PositiveFloat | None = Field(
        None, description="The longest call to a package; default is what the package needs."
    )
    lease_margin_seconds: float = Field(
        10.0, ge=3, description="How much longer a lease on a connection lasts than the longest call."
    )
    max_lanes: PositiveInt = Field(500, description="Connections that one worker holds at once.")
    writer_interval_ms: float = Field(
        1.0, ge=0, le=1000, description="How long outcomes of all lanes are gathered into one transaction."
    )
    document_attempts: PositiveInt = Field(
        6, description="Transient failures of one document before it is set aside."
    )
    settle_seconds: float | None = Field(
        None,
        ge=0,
        description="How long after a doubtful call a look-up can be believed; default is the package's own.",
    )
    waiting_limit_seconds: PositiveFloat = Field(
        3600.0, description="A document that waits for another longer than this names who must act."
    )
    drain_seconds: PositiveFloat = Field(
        25.0, description="A stopping process waits this long for its calls."
    )


class FileSettings(SettingGroup):
    """When import files are cut."""

    cut_documents: PositiveInt = Field(500, description="A file is cut at this many documents.")
    quiet_seconds: PositiveFloat = Field(60.0, description="Or after this long without a new one.")


class ReadbackSettings(SettingGroup):
    """Reading payments from packages."""

    interval_seconds: PositiveFloat = Field(300.0, description="Between two pulls of what changed.")
    sweep_interval_seconds: PositiveFloat = Field(
        86_400.0, description="Between two sweeps over everything that is open."
    )


class AttachmentSettings(SettingGroup):
    """PDFs of invoices."""

    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_split)] = Field(
        (), description="Hosts, separated by commas, from which PDFs may be fetched (https); none by default."
    )
    max_bytes: PositiveInt = Field(10 * _MIB, le=10 * _MIB, description="A larger PDF is not attached.")


class ReconciliationSettings(SettingGroup):
    """Comparing ENK, the ledger and the packages every night."""

    nightly: bool = Field(True, description="Whether workers compare every administration every night.")
    hour: int = Field(
        3,
        ge=0,
        le=23,
        description="From this hour on, of the clock in the Netherlands, they have their turn.",
    )
    spread_minutes: PositiveFloat = Field(
        120.0, description="They follow each other, each at its own moment, within this time."
    )


class RetentionSettings(SettingGroup):
    """How long what is kept, of what is over."""

    finished_days: PositiveInt = Field(
        400,
        description="A finished document keeps its payload this long; then it is archived without it.",
    )
    input_days: PositiveInt = Field(
        90,
        ge=31,
        description="Which input record became what is kept this long; longer than topics keep records.",
    )
    file_years: PositiveInt = Field(
        7, ge=7, description="Bytes of import files are kept this many whole calendar years."
    )
    archive_years: PositiveInt = Field(
        7, description="A year of the archive may be dropped after this many whole calendar years."
    )
    interval_seconds: PositiveFloat = Field(
        3600.0, description="How often a worker lets go of what is past its retention."
    )


class HttpSettings(SettingGroup):
    """What `streams` and `worker` say about themselves over HTTP."""

    port: int | None = Field(
        None,
        ge=0,
        le=65_535,
        description="Port of `/metrics`, `/healthz` and `/readyz` of `streams` and `worker`; 0 takes a free "
        "one and prints it; without it nothing is served.",
    )
    host: str = Field(
        "127.0.0.1", description="Address that is listened on; `0.0.0.0` in a container. It has no login."
    )


class TracingSettings(SettingGroup):
    """Traces. Spans are exported as OpenTelemetry's own variables (`OTEL_…`) say."""

    send_to_packages: bool = Field(
        True,
        description="Whether calls to packages carry the header `traceparent` of the document they are for.",
    )


class AttentionSettings(SettingGroup):
    """When what needs somebody in one administration is told on `koppeling.attention.v1`."""

    interval_seconds: PositiveFloat = Field(
        30.0, description="How often a worker looks for what needs somebody."
    )
    settle_seconds: float = Field(
        30.0,
        ge=0,
        description="How long it must have stood before it is told, and gone before it is resolved.",
    )
    held_seconds: PositiveFloat = Field(
        1800.0,
        description="What is held for a reason that may pass by itself, such as an outage, is told after so "
        "long.",
    )
    uncertain_seconds: PositiveFloat = Field(
        3600.0, description="A document or file may be in doubt this long before support is told."
    )
    unconfirmed_days: PositiveFloat = Field(
        3.0, description="A delivered import file may be left unconfirmed this long before support is told."
    )
    numbers_share: float = Field(
        0.8, gt=0, le=1, description="From this share of a number range on support is told to widen it."
    )
    grown_seconds: PositiveFloat = Field(
        86_400.0, description="A case that has grown is told again so long after it was last told."
    )


class LogSettings(SettingGroup):
    """Logs."""

    level: Annotated[LogLevel, BeforeValidator(_upper)] = Field(
        LogLevel.INFO, description="DEBUG, INFO, WARNING or ERROR."
    )
    format: Annotated[LogFormat, BeforeValidator(_lower)] = Field(
        LogFormat.AUTO, description="json, console, or auto (console on a terminal)."
    )


class SnelStartSettings(SettingGroup):
    """The SnelStart B2B API."""

    subscription_key: Secret | None = Field(
        None, description="ENK's subscription key, one for all customers; needed to reach SnelStart itself."
    )
    base_url: AnyHttpUrl = Field(AnyHttpUrl("https://b2bapi.snelstart.nl/v2"), description="Of the API.")
    auth_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://auth.snelstart.nl/b2b/token"), description="Of the token endpoint."
    )
    calls_per_minute: PositiveInt = Field(
        450, description="Budget of one administration; the vendor allows 500 on production links."
    )
    calls_per_hour: PositiveInt = Field(4500, description="The same for an hour; the vendor allows 5,000.")
