"""From settings to what each Kafka library wants to know."""

from __future__ import annotations

from typing import TypedDict

from ops.setting_groups import KafkaSettings
from ops.settings import Settings
from streams.config import Security


class ClientConfig(TypedDict, total=False):
    """Arguments that kafka-python's producer, consumer and admin client share."""

    bootstrap_servers: list[str]
    security_protocol: str
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str
    ssl_cafile: str
    ssl_certfile: str
    ssl_keyfile: str


def kafka_client_config(settings: Settings) -> ClientConfig:
    """For kafka-python: `KafkaConsumer(**kafka_client_config(settings), ...)`."""
    kafka = settings.kafka
    config = ClientConfig(
        bootstrap_servers=list(settings.bootstrap_servers), security_protocol=kafka.security_protocol.value
    )
    if kafka.security_protocol.uses_sasl and kafka.sasl_mechanism:
        config["sasl_mechanism"] = kafka.sasl_mechanism.value
        config["sasl_plain_username"] = kafka.sasl_username or ""
        config["sasl_plain_password"] = _password(kafka)
    if kafka.security_protocol.uses_tls:
        if kafka.ssl_cafile:
            config["ssl_cafile"] = str(kafka.ssl_cafile)
        if kafka.ssl_certfile:
            config["ssl_certfile"] = str(kafka.ssl_certfile)
        if kafka.ssl_keyfile:
            config["ssl_keyfile"] = str(kafka.ssl_keyfile)
    return config


def streams_security(settings: Settings) -> Security:
    """For the intake (Faust on aiokafka)."""
    kafka = settings.kafka
    sasl = kafka.security_protocol.uses_sasl
    return Security(
        tls=kafka.security_protocol.uses_tls,
        ca_file=kafka.ssl_cafile,
        cert_file=kafka.ssl_certfile,
        key_file=kafka.ssl_keyfile,
        mechanism=kafka.sasl_mechanism.value if sasl and kafka.sasl_mechanism else None,
        username=kafka.sasl_username if sasl else None,
        password=_password(kafka) if sasl else None,
    )


def _password(kafka: KafkaSettings) -> str:
    return kafka.sasl_password.get_secret_value() if kafka.sasl_password else ""
