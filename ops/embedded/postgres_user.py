"""As whom PostgreSQL runs, which refuses root.

For root it becomes an unprivileged user, without `useradd` and without opening folders to everybody. That
user cannot enter a folder like /root, where the data directory or the Python environment with PostgreSQL's
programs may live; then the server keeps one Linux capability, the one to pass through folders.
"""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ops.embedded.failures import EmbeddedError

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
_UNPRIVILEGED = ("nobody", "daemon", "postgres")


@dataclass(frozen=True)
class RunAs:
    """The identity of the server's processes.

    Attributes:
        user: user and group id; None is ourselves.
        capabilities: Linux capability numbers to keep.
    """

    user: tuple[int, int] | None = None
    capabilities: tuple[int, ...] = ()


def run_as(data: Path, programs: Path) -> RunAs:
    """Ourselves, or for root an unprivileged user who can reach `data` and `programs`.

    An existing data directory keeps its owner.

    Raises:
        EmbeddedError: we are root and no such user exists, or it cannot reach the folders.
    """
    if os.geteuid() != 0:
        return RunAs()
    uid, gid = _owner(data) or _unprivileged()
    blocked = [path for path in (data, programs / "postgres") if not _reachable(path, uid, gid)]
    if not blocked:
        return RunAs((uid, gid))
    held = permitted_capabilities()
    if CAP_DAC_READ_SEARCH in held and (programs / "postgres").stat().st_mode & stat.S_IXOTH:
        return RunAs((uid, gid), (CAP_DAC_READ_SEARCH,))
    if CAP_DAC_OVERRIDE in held:
        return RunAs((uid, gid), (CAP_DAC_OVERRIDE,))
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and the user it would run as (id {uid}) cannot reach "
        f"{blocked[0]}. Start as a normal user, or use folders that others may enter."
    )


def _owner(data: Path) -> tuple[int, int] | None:
    if not data.exists():
        return None
    status = data.stat()
    return (status.st_uid, status.st_gid) if status.st_uid != 0 else None


def _unprivileged() -> tuple[int, int]:
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this machine has no unprivileged user "
        f"({', '.join(_UNPRIVILEGED)}). Start as a normal user, or set DATABASE__URL to a PostgreSQL "
        "elsewhere."
    )


def _folders(path: Path) -> Iterator[Path]:
    yield from path.resolve().parents


def _reachable(path: Path, uid: int, gid: int) -> bool:
    for folder in _folders(path):
        status = folder.stat()
        bit = stat.S_IXOTH
        if status.st_uid == uid:
            bit = stat.S_IXUSR
        elif status.st_gid == gid:
            bit = stat.S_IXGRP
        if not status.st_mode & bit:
            return False
    return not path.is_file() or bool(path.stat().st_mode & stat.S_IXOTH)


def permitted_capabilities() -> set[int]:
    """The numbers of the Linux capabilities that this process may use or hand on."""
    if not sys.platform.startswith("linux"):
        return set()
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapPrm":
            bits = int(value, 16)
            return {number for number in range(64) if bits >> number & 1}
    return set()
