"""A wall clock that can be set wrong while its process runs: the offset in seconds stands in a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


class OffsetClock:
    """The time now, plus what the file says; no file, no offset."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0
        self._offset = timedelta()

    def __call__(self) -> datetime:
        """The wrong time, in UTC."""
        try:
            changed = self._path.stat().st_mtime_ns
            if changed != self._seen:
                self._offset = timedelta(seconds=float(self._path.read_text() or "0"))
                self._seen = changed
        except (OSError, ValueError, OverflowError):
            self._offset = timedelta()
        return datetime.now(UTC) + self._offset


def set_offset(path: Path, seconds: float) -> None:
    """Set the clocks of all processes that read the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(f"{seconds:g}")
    new.replace(path)
