"""Connecting an administration: prove the credentials, pin the company, store them encrypted.

The CLI, the demo and `up --simulators` all connect through here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow
from pydantic import BaseModel

from ledger.administrations import connect as store_connection
from ledger.administrations import disconnect as delete_connection
from ledger.audit import record_action
from ledger.credentials import CredentialVault
from ledger.readbacks import ensure_readback, stop_readback
from ledger.rows import LaneKey
from ledger.work import lane as read_lane
from ops.packages import PACKAGES, Apps, DirectPackage, FilePackage, FolderTarget
from ops.sessions import connection_id
from schemas.outcome import Code
from sinks.contract import Identity
from vendors.failure import Refused, Scope
from vendors.transport import Transport


class NotBuilt(Exception):
    """The package has no connector yet."""


@dataclass(frozen=True)
class Connector:
    """Connects and disconnects administrations; `who` is written in the audit."""

    vault: CredentialVault
    apps: Apps
    who: str
    call_timeout: timedelta = timedelta(seconds=30)

    def credentials_model(self, key: LaneKey) -> type[BaseModel]:
        """What must be given to connect; raises `NotBuilt`."""
        package = PACKAGES.get(key.package)
        if package is None:
            raise NotBuilt(f"{key.package.label} is not built yet.")
        return package.credentials

    async def connect(
        self, ledger: psycopg.Connection[TupleRow], key: LaneKey, given: Mapping[str, object]
    ) -> Identity:
        """Prove the credentials and store them.

        Raises `pydantic.ValidationError` (what was given is not what is needed), `NotBuilt`, and the
        failures of `vendors.failure` (the package does not let us in).
        """
        credentials = self.credentials_model(key).model_validate(dict(given))
        package = PACKAGES[key.package]
        if isinstance(package, DirectPackage):
            identity = await self._prove(ledger, key, package, credentials)
        else:
            identity = _prove_folder(package, credentials)
        secret = self.vault.encrypt(credentials_json(credentials))
        with ledger.transaction(), ledger.cursor() as cursor:
            pinned = {"id": identity.id, "name": identity.name, **identity.details}
            store_connection(cursor, key, connection_id(key), secret, pinned)
            if isinstance(package, DirectPackage):
                ensure_readback(cursor, key, timedelta())
            record_action(
                cursor, self.who, "connect", f"{key.administration}@{key.package}", {"company": identity.name}
            )
        return identity

    def disconnect(self, ledger: psycopg.Connection[TupleRow], key: LaneKey) -> None:
        """Delete the credentials; open documents are held until the administration is connected again."""
        with ledger.transaction(), ledger.cursor() as cursor:
            delete_connection(cursor, key)
            stop_readback(cursor, key)
            record_action(cursor, self.who, "disconnect", f"{key.administration}@{key.package}", {})

    async def _prove(
        self,
        ledger: psycopg.Connection[TupleRow],
        key: LaneKey,
        package: DirectPackage,
        credentials: BaseModel,
    ) -> Identity:
        lane = read_lane(ledger, key)
        mapping = package.mapping.model_validate(dict(lane.mapping) if lane else {})
        async with Transport(timeout=self.call_timeout) as transport:
            opened = package.open(
                credentials, mapping, self.apps, transport, package.pacer(self.apps), time.monotonic
            )
            try:
                return await opened.sink.probe()
            finally:
                await opened.sink.close()


def _prove_folder(package: FilePackage, credentials: BaseModel) -> Identity:
    assert isinstance(credentials, FolderTarget)
    folder = Path(credentials.folder)
    if not folder.is_dir():
        raise Refused(
            Code.BAD_FORMAT, f"{folder} is not a folder", field="folder", scope=Scope.ADMINISTRATION
        )
    return Identity(id=str(folder.resolve()), name=folder.name)


def credentials_json(credentials: BaseModel) -> bytes:
    """The credentials as stored, secrets included; encrypted before they leave this process."""
    revealed = {
        name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
        for name, value in credentials
    }
    return json.dumps(
        {name: value for name, value in revealed.items() if value is not None}, default=str
    ).encode()
