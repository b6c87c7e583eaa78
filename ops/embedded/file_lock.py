"""Locks between processes: flock on a file, released by the kernel when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """An exclusive or shared lock on a file; the file itself stays.

    The lock belongs to the open file: a process that inherits `fileno` holds it too, and it is free when the
    last of them has closed it or died.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """This object holds the lock."""
        return self._fd is not None

    @property
    def fileno(self) -> int:
        """The open file that carries the lock."""
        if self._fd is None:
            raise ValueError(f"{self.path} is not locked")
        return self._fd

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if it is free."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def acquire(self, *, shared: bool = False, timeout: float | None = None, every: float = 0.05) -> bool:
        """Take the lock, waiting for at most `timeout` seconds; False when it stayed taken."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.try_acquire(shared=shared):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(every)
        return True

    def release(self) -> None:
        """Give the lock back, as far as this process is concerned."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def write(self, text: str) -> None:
        """Leave a note for those who find the lock taken."""
        os.ftruncate(self.fileno, 0)
        os.pwrite(self.fileno, text.encode(), 0)

    def note(self) -> str:
        """The holder's note; empty without one."""
        try:
            return self.path.read_text()
        except OSError:
            return ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on `path`, however long it takes to get it."""
    lock = FileLock(path)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
