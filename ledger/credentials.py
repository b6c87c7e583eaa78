"""Credentials at rest: encrypted with the newest key, readable with every configured key."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg import Cursor
from psycopg.rows import TupleRow


class CredentialsUnreadable(Exception):
    """None of the configured keys opens the stored credentials."""


class CredentialVault:
    """Encrypts and decrypts; the keys never leave the process."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` are Fernet keys, newest first."""
        self._box = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt with the newest key."""
        return self._box.encrypt(plain)

    def decrypt(self, stored: bytes) -> bytes:
        """Raises `CredentialsUnreadable` when the key they were encrypted with is not configured."""
        try:
            return self._box.decrypt(stored)
        except InvalidToken:
            raise CredentialsUnreadable(
                "The stored credentials were encrypted with a key that is not in CREDENTIALS__KEYS."
            ) from None

    def rotate(self, cursor: Cursor[TupleRow]) -> int:
        """Encrypt everything stored with the newest key; returns how many connections that were."""
        cursor.execute("SELECT id, credentials FROM connection WHERE credentials IS NOT NULL FOR UPDATE")
        rows = cursor.fetchall()
        for connection_id, stored in rows:
            cursor.execute(
                "UPDATE connection SET credentials = %s WHERE id = %s",
                (self.encrypt(self.decrypt(bytes(stored))), connection_id),
            )
        return len(rows)


def stored_credentials(cursor: Cursor[TupleRow], connection_id: str) -> bytes | None:
    """The encrypted credentials of a connection."""
    cursor.execute("SELECT credentials FROM connection WHERE id = %s", (connection_id,))
    row = cursor.fetchone()
    return bytes(row[0]) if row and row[0] is not None else None
