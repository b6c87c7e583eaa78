"""The demo's data directory: always fresh, and never somebody else's data."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.commands.troubles import Trouble

MARK = "demo"


@contextmanager
def demo_folder(given: Path | None) -> Iterator[Path]:
    """An empty folder; a temporary one is removed afterwards, a given one stays.

    Raises:
        Trouble: the given folder has something in it that is not a demo's.
    """
    if given is None:
        folder = Path(tempfile.mkdtemp(prefix="koppeling-demo-"))
        # The database may run as another user, who must be able to enter.
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if given.exists() and any(given.iterdir()) and not (given / MARK).exists():
        raise Trouble(
            f"{given} has something in it that is not a demo's, and a demo begins with an empty folder. "
            "Choose another --data-dir, or leave it out."
        )
    shutil.rmtree(given, ignore_errors=True)
    given.mkdir(parents=True, exist_ok=True)
    (given / MARK).touch()
    yield given
