"""A local folder that import files are put in: complete, verified, never over another file.

A part is written under a hidden temporary name that ends in `.part`, read back and compared, and then given
its final name in one step that fails when the name is taken. The temporary name carries the lease's epoch:
whoever takes over removes what an earlier holder left, so that holder's last step cannot succeed any more.

Everything here blocks; `FileLane` calls it in `THREADS`, so that a folder that hangs (a network drive) never
holds anything but its own administration.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Protocol

from schemas.outcome import Code, Reason, WhoActs, reason

THREADS = ThreadPoolExecutor(32, thread_name_prefix="folder")

_BLOCK = 1024 * 1024
_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
)
_PROVEN = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EEXIST,
    }
)
"""Errors of the last step that prove that the final name was not given."""


class FolderTarget(Protocol):
    """Where files go."""

    @property
    def folder(self) -> Path:
        """An existing folder."""

    @property
    def emptied_by_program(self) -> bool:
        """Whether a program takes files away after reading them."""


class FolderProblem(Exception):
    """The folder cannot be used now; `why` is for people. `in_doubt`: the final name may have been given."""

    def __init__(self, why: Reason, *, in_doubt: bool = False) -> None:
        super().__init__(why.en)
        self.why = why
        self.in_doubt = in_doubt


class NameTaken(Exception):
    """Something appeared under the final name since it was looked at."""


class PartFile:
    """A part being written under its temporary name."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path = path
        self._stream = stream

    def write(self, content: bytes) -> None:
        """Append bytes. Raises `FolderProblem`."""
        try:
            self._stream.write(content)
        except OSError as error:
            raise _problem(self.path.parent, error) from error

    def finish(self, sha256: bytes) -> None:
        """Bring it to disk and read it back. Raises `FolderProblem`."""
        try:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
            found = _sha256(self.path)
        except OSError as error:
            raise _problem(self.path.parent, error) from error
        if found != sha256:
            raise _problem(self.path.parent, OSError(errno.EIO, "read back something else than was written"))

    def discard(self) -> None:
        """Take the temporary file away, as far as that is possible."""
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


class Folder:
    """One administration's folder, worked on under one lease."""

    def __init__(self, path: Path, epoch: int) -> None:
        self._path = path
        self._epoch = epoch

    def look(self, name: str) -> bytes | None:
        """The sha256 of what is there under that name, None when nothing is. Raises `FolderProblem`."""
        try:
            if not self._path.is_dir():
                kind = errno.ENOTDIR if self._path.exists() else errno.ENOENT
                raise OSError(kind, os.strerror(kind))
            return _sha256(self._path / name)
        except FileNotFoundError:
            if not self._path.is_dir():
                raise _problem(self._path, OSError(errno.ENOENT, os.strerror(errno.ENOENT))) from None
            return None
        except OSError as error:
            raise _problem(self._path, error) from error

    def begin(self, name: str) -> PartFile:
        """Open the temporary file, after removing what earlier attempts left. Raises `FolderProblem`."""
        try:
            for left in self._path.glob(f".{_escaped(name)}.*.part"):
                left.unlink(missing_ok=True)
            path = self._path / f".{name}.{self._epoch}.part"
            return PartFile(path, path.open("xb"))
        except OSError as error:
            raise _problem(self._path, error) from error

    def publish(self, part: PartFile, name: str) -> None:
        """Give a finished part its final name.

        Raises `NameTaken` (nothing happened), `FolderProblem` (`in_doubt` when the error proves nothing).
        """
        final = self._path / name
        try:
            try:
                os.link(part.path, final)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                # A file system without hard links: two steps, and nobody else writes names of ours.
                if final.exists():
                    raise NameTaken from error
                part.path.rename(final)
            else:
                with contextlib.suppress(OSError):
                    part.path.unlink()
            self._sync()
        except FileExistsError as error:
            raise NameTaken from error
        except OSError as error:
            raise _problem(self._path, error, in_doubt=error.errno not in _PROVEN) from error

    def tidy(self, name: str) -> None:
        """Remove temporary files of a part that is in place, as far as that is possible."""
        with contextlib.suppress(OSError):
            for left in self._path.glob(f".{_escaped(name)}.*.part"):
                left.unlink(missing_ok=True)

    def _sync(self) -> None:
        """Bring the new name to disk; a file system that cannot sync a folder does so by itself."""
        with contextlib.suppress(OSError):
            handle = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _sha256(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.digest()


def _escaped(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _problem(folder: Path, error: OSError, *, in_doubt: bool = False) -> FolderProblem:
    said = error.strerror or str(error)
    sentences = {
        errno.ENOENT: ("bestaat niet", "does not exist"),
        errno.ENOTDIR: ("is geen map", "is not a folder"),
        errno.EACCES: ("mag niet worden beschreven", "may not be written"),
        errno.EPERM: ("mag niet worden beschreven", "may not be written"),
        errno.EROFS: ("mag niet worden beschreven", "may not be written"),
        errno.ENOSPC: ("is vol", "is full"),
        errno.EDQUOT: ("is vol", "is full"),
    }
    nl, en = sentences.get(error.errno or 0, (f"geeft een fout ({said})", f"fails ({said})"))
    base = reason(Code.UNAVAILABLE, vendor_message=said)
    why = Reason(
        code=base.code,
        field=None,
        nl=f"De map {folder} {nl}. Herstel de map; het bestand blijft bewaard en wordt vanzelf opnieuw "
        "afgeleverd.",
        en=f"The folder {folder} {en}. Repair it; the file is kept and delivered again by itself.",
        who_acts=WhoActs.SUPPORT,
        vendor_message=said,
    )
    return FolderProblem(why, in_doubt=in_doubt)
