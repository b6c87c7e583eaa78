"""The settings of every process: from the environment, checked as a whole before anything starts."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from ops.setting_checks import DELIMITER, Finding, env_name, findings, sentences
from ops.setting_groups import (
    AttachmentSettings,
    AttentionSettings,
    CredentialSettings,
    DatabaseSettings,
    DeliverySettings,
    FileSettings,
    HttpSettings,
    KafkaSettings,
    LogSettings,
    ReadbackSettings,
    ReconciliationSettings,
    RetentionSettings,
    SettingGroup,
    SnelStartSettings,
    TracingSettings,
)


class SettingsError(Exception):
    """Settings are missing or wrong; `findings` has every one of them, a sentence each."""

    def __init__(self, found: Collection[Finding]) -> None:
        self.findings = tuple(found)
        lines = "\n".join(f"  {finding.name}: {finding.sentence}" for finding in self.findings)
        count = len(self.findings)
        super().__init__(
            f"{count} {'setting is' if count == 1 else 'settings are'} missing or wrong:\n{lines}"
        )


class Need(StrEnum):
    """What a process cannot do without; the value is the setting's name."""

    KAFKA = "KAFKA__BOOTSTRAP_SERVERS"
    DATABASE = "DATABASE__URL"
    CREDENTIALS = "CREDENTIALS__KEYS"


class _Environment(EnvSettingsSource):
    """The environment, apart from names that are not ours, such as a `LOG` of something else."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        groups = {name for name, field in Settings.model_fields.items() if is_group(field.annotation)}
        plain = set(Settings.model_fields) - groups
        return {
            name.lower(): value.strip()
            for name, value in self._environment.items()
            if value.strip()
            and (name.lower() in plain or (DELIMITER in name and name.lower().split(DELIMITER)[0] in groups))
        }


def is_group(annotation: object) -> bool:
    """Whether a field of `Settings` is a group of settings."""
    return isinstance(annotation, type) and issubclass(annotation, SettingGroup)


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_nested_delimiter=DELIMITER, enable_decoding=False, extra="forbid", frozen=True
    )

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    credentials: CredentialSettings = Field(default_factory=CredentialSettings)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    files: FileSettings = Field(default_factory=FileSettings)
    readback: ReadbackSettings = Field(default_factory=ReadbackSettings)
    reconciliation: ReconciliationSettings = Field(default_factory=ReconciliationSettings)
    attachments: AttachmentSettings = Field(default_factory=AttachmentSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    attention: AttentionSettings = Field(default_factory=AttentionSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    snelstart: SnelStartSettings = Field(default_factory=SnelStartSettings)
    data_dir: Path = Field(
        Path(".koppeling"),
        description="Where embedded services and generated keys live; created when missing.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The arguments only: `load` reads the environment; nobody else does by accident."""
        return (init_settings,)

    @property
    def bootstrap_servers(self) -> tuple[str, ...]:
        """The brokers; empty when they are embedded and not started yet."""
        text = self.kafka.bootstrap_servers or ""
        return tuple(part.strip() for part in text.split(",") if part.strip())

    @property
    def database_url(self) -> str:
        """The DSN in clear text, for the driver only; empty when it is embedded and not started yet."""
        return self.database.url.get_secret_value() if self.database.url else ""

    @property
    def credential_keys(self) -> tuple[str, ...]:
        """The Fernet keys in clear text, newest first."""
        return tuple(key.get_secret_value() for key in self.credentials.keys)

    def with_embedded(self, *, bootstrap_servers: str, database_url: str, credential_key: str) -> Settings:
        """The same settings, completed by embedded services; what is set already stays."""
        return self.model_copy(
            update={
                "kafka": self.kafka.model_copy(
                    update={"bootstrap_servers": self.kafka.bootstrap_servers or bootstrap_servers}
                ),
                "database": self.database.model_copy(
                    update={"url": self.database.url or SecretStr(database_url)}
                ),
                "credentials": self.credentials.model_copy(
                    update={"keys": self.credentials.keys or (SecretStr(credential_key),)}
                ),
            }
        )

    def embedded_environment(self) -> dict[str, str]:
        """What `with_embedded` added, as environment variables for child processes."""
        values = {
            Need.KAFKA: ",".join(self.bootstrap_servers),
            Need.DATABASE: self.database_url,
            Need.CREDENTIALS: ",".join(self.credential_keys),
        }
        return {need.value: value for need, value in values.items() if value}


def load(needs: Collection[Need] = tuple(Need), environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process.

    Args:
        needs: what must be there; `koppeling up` needs nothing, because it brings embedded services.
        environment: instead of the process's own.

    Raises:
        SettingsError: with every missing or wrong setting at once.
    """
    raw: dict[str, Any] = _Environment(os.environ if environment is None else environment)()
    found: list[Finding] = []
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        found += sentences(error, raw, Settings)
        settings = Settings(**_without(raw, found))
    found += findings(settings, {need.value for need in needs}, already={finding.name for finding in found})
    if found:
        raise SettingsError(sorted(found, key=lambda finding: finding.name))
    return settings


def _without(raw: dict[str, Any], found: Collection[Finding]) -> dict[str, Any]:
    """Those that are right each by itself, so that the others do not hide what is wrong between them."""
    names = {finding.name for finding in found}
    return {
        group: {name: value for name, value in values.items() if env_name(group, name) not in names}
        if isinstance(values, dict)
        else values
        for group, values in raw.items()
        if env_name(group) not in names
    }
