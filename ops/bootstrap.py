"""The one place where settings become the parts that a worker, the intake and every command are made of."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ops.settings import Need, Settings, load
from schemas.codes import Package

if TYPE_CHECKING:
    import psycopg
    from kafka import KafkaAdminClient
    from psycopg.rows import TupleRow

    from ledger.attention_cases import AttentionTerms
    from ledger.credentials import CredentialVault
    from ledger.retention import Retention
    from ops.connecting import Connector
    from ops.packages import Apps
    from ops.reconciliation.desk import Means
    from ops.worker import WorkerConfig
    from sinks.terms import DeliveryTerms
    from streams.config import StreamsConfig

SERVICES = (Need.KAFKA, Need.DATABASE)
EVERYTHING = tuple(Need)


class NothingRuns(Exception):
    """No services are set, and none of our own are running; the text says what to do."""


def settings_for(
    needs: Collection[Need], data_dir: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings of this process; what is not set is completed by the services that `koppeling up` runs.

    Raises:
        ops.settings.SettingsError: with every missing or wrong setting.
        NothingRuns: a service is not set, and none runs on the data directory.
    """
    settings = load((), environment)
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": data_dir})
    embedded_database = not settings.database_url
    kafka, database = settings.bootstrap_servers, settings.database_url
    missing = [
        need
        for need, present in ((Need.KAFKA, bool(kafka)), (Need.DATABASE, bool(database)))
        if need in needs and not present
    ]
    found = _running(settings.data_dir, missing) if missing else {}
    key = ""
    if Need.CREDENTIALS in needs and not settings.credential_keys:
        if not embedded_database:
            load((Need.CREDENTIALS,), environment)
        from ops.embedded.credential_key import credential_key

        key = credential_key(settings.data_dir)
    if not (found or key):
        return settings
    return settings.with_embedded(
        bootstrap_servers=found.get(Need.KAFKA, ""),
        database_url=found.get(Need.DATABASE, ""),
        credential_key=key,
    )


def _running(data_dir: Path, missing: Sequence[Need]) -> dict[Need, str]:
    from ops.running_services import running_kafka, running_postgres

    look = {Need.KAFKA: running_kafka, Need.DATABASE: running_postgres}
    found = {need: address for need in missing if (address := look[need](data_dir)) is not None}
    silent = [need for need in missing if need not in found]
    if silent:
        services = " and ".join("Kafka" if need is Need.KAFKA else "PostgreSQL" for need in silent)
        names = " and ".join(need.value for need in silent)
        where = "" if data_dir == Path(".koppeling") else f" --data-dir {data_dir}"
        raise NothingRuns(
            f"No {services} {'is' if len(silent) == 1 else 'are'} running in {data_dir}. Start it with "
            f"`koppeling up{where}`, or set {names}."
        )
    return found


@contextmanager
def ledger(settings: Settings) -> Iterator[psycopg.Connection[TupleRow]]:
    """A ledger connection in autocommit mode, for one command."""
    import psycopg

    milliseconds = int(settings.database.statement_timeout_seconds * 1000)
    connection = psycopg.connect(
        settings.database_url,
        autocommit=True,
        connect_timeout=settings.database.connect_timeout_seconds,
        options=f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        application_name="koppeling-cli",
    )
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def kafka_admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client, for one command."""
    from kafka import KafkaAdminClient

    from ops.kafka_clients import kafka_client_config

    admin = KafkaAdminClient(**kafka_client_config(settings), bootstrap_timeout_ms=10_000)
    try:
        yield admin
    finally:
        admin.close()


def vault(settings: Settings) -> CredentialVault:
    """What encrypts and decrypts credentials."""
    from ledger.credentials import CredentialVault

    return CredentialVault(settings.credential_keys)


def apps(settings: Settings) -> Apps:
    """ENK's own products at the vendors; a key that is not set must come with the credentials."""
    from pydantic import SecretStr

    from ops.packages import Apps
    from sinks.snelstart_settings import SnelStartApp

    snelstart = settings.snelstart
    return Apps(
        snelstart=SnelStartApp(
            subscription_key=snelstart.subscription_key or SecretStr(""),
            base_url=str(snelstart.base_url).rstrip("/"),
            auth_url=str(snelstart.auth_url),
        ),
        snelstart_limits=(snelstart.calls_per_minute, snelstart.calls_per_hour),
    )


def connector(settings: Settings, who: str | None = None) -> Connector:
    """Connects and disconnects administrations in somebody's name."""
    from ops.connecting import Connector

    seconds = settings.delivery.call_timeout_seconds
    patience = {} if seconds is None else {"call_timeout": timedelta(seconds=seconds)}
    return Connector(vault(settings), apps(settings), who or operator(), **patience)


def delivery_terms(settings: Settings) -> DeliveryTerms:
    """The numbers that delivery works by."""
    from sinks.terms import DeliveryTerms

    delivery, files = settings.delivery, settings.files
    return DeliveryTerms(
        call_timeout=_seconds(delivery.call_timeout_seconds),
        settle=_seconds(delivery.settle_seconds),
        margin=timedelta(seconds=delivery.lease_margin_seconds),
        document_attempts=delivery.document_attempts,
        waiting_limit=timedelta(seconds=delivery.waiting_limit_seconds),
        drain=timedelta(seconds=delivery.drain_seconds),
        cut_documents=files.cut_documents,
        cut_quiet=timedelta(seconds=files.quiet_seconds),
    )


def worker_config(settings: Settings, packages: Sequence[Package] = ()) -> WorkerConfig:
    """A worker of these packages; empty = of all that are built."""
    from ops.kafka_clients import kafka_client_config
    from ops.packages import PACKAGES
    from ops.reconciliation.night import NightTerms
    from ops.worker import WorkerConfig
    from sinks.attachments import AttachmentRules
    from sources.readback import ReadbackTerms

    return WorkerConfig(
        database_url=settings.database_url,
        kafka=dict(kafka_client_config(settings)),
        vault=vault(settings),
        apps=apps(settings),
        packages=tuple(packages) or tuple(PACKAGES),
        terms=delivery_terms(settings),
        attachments=AttachmentRules(
            frozenset(settings.attachments.allowed_hosts), settings.attachments.max_bytes
        ),
        readback=ReadbackTerms(
            pull_every=timedelta(seconds=settings.readback.interval_seconds),
            sweep_every=timedelta(seconds=settings.readback.sweep_interval_seconds),
        ),
        pool_size=settings.database.pool_size,
        writer_interval=timedelta(milliseconds=settings.delivery.writer_interval_ms),
        max_connections=settings.delivery.max_lanes,
        statement_timeout=timedelta(seconds=settings.database.statement_timeout_seconds),
        connect_timeout=timedelta(seconds=settings.database.connect_timeout_seconds),
        retention=retention(settings),
        night=NightTerms(
            hour=settings.reconciliation.hour if settings.reconciliation.nightly else None,
            spread=timedelta(minutes=settings.reconciliation.spread_minutes),
        ),
        tidy_every=timedelta(seconds=settings.retention.interval_seconds),
        attention=attention_terms(settings),
        attention_every=timedelta(seconds=settings.attention.interval_seconds),
        group=receiver_group(settings),
        intake_group=intake_group(settings),
        send_traceparent=settings.tracing.send_to_packages,
    )


def attention_terms(settings: Settings) -> AttentionTerms:
    """When what needs somebody is told."""
    from ledger.attention_cases import AttentionTerms

    told = settings.attention
    return AttentionTerms(
        settle=timedelta(seconds=told.settle_seconds),
        held=timedelta(seconds=told.held_seconds),
        uncertain=timedelta(seconds=told.uncertain_seconds),
        unconfirmed=timedelta(days=told.unconfirmed_days),
        numbers=told.numbers_share,
        grown=timedelta(seconds=told.grown_seconds),
    )


def reconciliation_means(settings: Settings) -> Means:
    """What a command needs to compare an administration itself, when no worker does."""
    import psycopg

    from ledger.leases import LeaseTerms
    from ops.reconciliation.desk import Means

    terms = delivery_terms(settings)
    call_timeout = terms.call_timeout or timedelta(seconds=30)
    milliseconds = int(settings.database.statement_timeout_seconds * 1000)

    def connect() -> psycopg.Connection[TupleRow]:
        return psycopg.connect(
            settings.database_url,
            autocommit=True,
            connect_timeout=settings.database.connect_timeout_seconds,
            options=f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
            application_name="koppeling-cli",
        )

    return Means(
        connect=connect,
        vault=vault(settings),
        apps=apps(settings),
        terms=LeaseTerms(
            length=call_timeout + terms.margin,
            call_timeout=call_timeout,
            settle=terms.settle or timedelta(seconds=60),
        ),
    )


def retention(settings: Settings) -> Retention:
    """How long what is kept."""
    from ledger.retention import Retention

    kept = settings.retention
    return Retention(
        finished=timedelta(days=kept.finished_days),
        input=timedelta(days=kept.input_days),
        file_years=kept.file_years,
        archive_years=kept.archive_years,
    )


def streams_config(settings: Settings, instance: str | None = None) -> StreamsConfig:
    """The intake of this process; `instance` differs between processes and stays the same over restarts."""
    from ops.kafka_clients import streams_security
    from streams.config import StreamsConfig

    instance = instance or f"intake-{socket.gethostname()}"
    return StreamsConfig(
        bootstrap_servers=settings.bootstrap_servers,
        data_dir=settings.data_dir.absolute() / "streams" / instance,
        instance_id=instance,
        app_id=intake_group(settings),
        replication_factor=settings.kafka.replication_factor or 1,
        security=streams_security(settings),
    )


def intake_group(settings: Settings) -> str:
    """The consumer group of the intake."""
    return f"{settings.kafka.group_prefix}.intake"


def receiver_group(settings: Settings) -> str:
    """The consumer group of the workers' receivers."""
    return f"{settings.kafka.group_prefix}.receiver"


def require_ready(settings: Settings) -> None:
    """Stop a start that cannot go well: the ledger's revision and the topics must be right.

    Raises:
        ledger.schema.SchemaMismatch, ops.topic_plan.TopicsError: with a sentence.
    """
    from ledger.schema import require_current

    require_current(settings.database_url)
    require_topics_ready(settings)


def require_topics_ready(settings: Settings) -> None:
    """As `require_ready`, for a process without a ledger."""
    from ops.topic_plan import require_topics

    with kafka_admin(settings) as admin:
        require_topics(admin)


def operator() -> str:
    """Who types the command, as the audit names them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"{name}@{socket.gethostname()}"


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)
