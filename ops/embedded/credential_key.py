"""The key that encrypts credentials when everything is embedded: made once, kept in the data directory."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet

FILE_NAME = "credentials.key"


def credential_key(data_dir: Path) -> str:
    """The Fernet key of this data directory, created on first use, readable by its owner only."""
    path = data_dir / FILE_NAME
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        new = path.with_name(f"{FILE_NAME}.{os.getpid()}")
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename, a link never replaces the key that another process has just made.
            os.link(new, path)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return path.read_text().strip()
