"""Credentials at rest: unreadable without a key, readable with any configured one, rotated to the newest."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from ledger.administrations import connect, disconnect
from ledger.credentials import CredentialsUnreadable, CredentialVault, stored_credentials
from tests.ledger.desk import Desk

SECRET = b'{"koppelsleutel": "geheim-123"}'


def test_rotation_encrypts_everything_with_the_newest_key(desk: Desk) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    keys = [desk.administration(name, connected=False) for name in ("a", "b", "c")]
    for key in keys[:2]:
        sealed = CredentialVault([old]).encrypt(SECRET)
        desk.write(lambda cursor: connect(cursor, key, key.administration, sealed, {}))  # noqa: B023
    both = CredentialVault([new, old])
    assert desk.write(both.rotate) == 2
    for name in ("a", "b"):
        stored = desk.write(lambda cursor: stored_credentials(cursor, name))  # noqa: B023
        assert stored is not None
        assert SECRET not in stored
        assert b"geheim" not in stored
        assert CredentialVault([new]).decrypt(stored) == SECRET
        with pytest.raises(CredentialsUnreadable):
            CredentialVault([old]).decrypt(stored)
    assert desk.write(lambda cursor: stored_credentials(cursor, "c")) is None


def test_a_key_that_is_missing_changes_nothing(desk: Desk) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = CredentialVault([old]).encrypt(SECRET)
    key = desk.administration(connected=False)
    desk.write(lambda cursor: connect(cursor, key, "one", sealed, {}))
    with pytest.raises(CredentialsUnreadable, match="CREDENTIALS__KEYS"):
        desk.write(CredentialVault([new]).rotate)
    assert desk.write(lambda cursor: stored_credentials(cursor, "one")) == sealed


def test_disconnecting_deletes_them(desk: Desk) -> None:
    key = desk.administration()
    desk.write(lambda cursor: disconnect(cursor, key))
    assert desk.rows("SELECT * FROM connection") == []
    assert desk.value("SELECT connection_id FROM lane") is None
