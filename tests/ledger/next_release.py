"""A release after this one: the same migrations and one more, in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from ledger import schema

NEXT = "9998"

_MIGRATION = """
from alembic import op

revision = "{revision}"
down_revision = "{down}"
readable_from = "{readable_from}"


def upgrade() -> None:
    op.execute("{up}")


def downgrade() -> None:
    op.execute("{back}")
"""


@contextmanager
def _next(folder: Path, readable_from: str, up: str, back: str) -> Iterator[None]:
    down = schema.program_revision()
    shutil.copytree(schema._MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = _MIGRATION.format(revision=NEXT, down=down, readable_from=readable_from, up=up, back=back)
    (folder / "versions" / "m9998_next.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_MIGRATIONS", folder)
        yield


def expands(folder: Path) -> AbstractContextManager[None]:
    """For the length of a block this program is the next release, which only adds a column."""
    up, back = (
        "ALTER TABLE posting ADD COLUMN next_release text",
        "ALTER TABLE posting DROP COLUMN next_release",
    )
    return _next(folder, schema.program_revision(), up, back)


def contracts(folder: Path) -> AbstractContextManager[None]:
    """The same with one that takes a column away."""
    up, back = (
        "ALTER TABLE posting DROP COLUMN traceparent",
        "ALTER TABLE posting ADD COLUMN traceparent text",
    )
    return _next(folder, NEXT, up, back)
