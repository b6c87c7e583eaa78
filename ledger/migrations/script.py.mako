"""${message}."""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
# The oldest program that may work with what this leaves: an earlier revision when it only expands.
readable_from = ${repr(up_revision)}


def upgrade() -> None:
    """${message}."""


def downgrade() -> None:
    """Undo it."""
