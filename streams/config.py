"""What the intake has to know before it can start; the ops layer fills it from the settings."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Security:
    """How to reach a broker that wants TLS, a login, or both. The default is neither.

    Attributes:
        tls: speak TLS to the broker.
        ca_file: certificates to trust instead of the system's.
        cert_file: our own certificate, for mutual TLS.
        key_file: the key of `cert_file`.
        mechanism: SASL mechanism (`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`); None without a login.
        username: SASL user.
        password: SASL password; never shown.
    """

    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context these settings describe; None without TLS."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


@dataclass(frozen=True, slots=True)
class StreamsConfig:
    """One intake process.

    Attributes:
        bootstrap_servers: `host:port` of at least one broker.
        data_dir: a folder this process may write to (nothing in it is needed to start again).
        instance_id: name of this process within its group, the same again after a restart and different
            from that of every other process: a killed process takes back its own partitions at once.
        app_id: consumer group, and prefix of the changelog topic.
        replication_factor: of the changelog topic, when the intake has to create it.
        send_timeout_seconds: a record that the broker has not confirmed by then ends the process; the
            next one reads it again. Longer than a restart of a broker takes.
        security: TLS and login.
    """

    bootstrap_servers: tuple[str, ...]
    data_dir: Path
    instance_id: str = "intake-0"
    app_id: str = "koppeling.intake"
    replication_factor: int = 1
    send_timeout_seconds: float = 120.0
    security: Security = Security()
