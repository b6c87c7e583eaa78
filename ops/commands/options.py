"""Options that many commands share, so that they read the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from schemas.codes import Package

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where `koppeling up` keeps its services; used when DATABASE__URL and KAFKA__BOOTSTRAP_SERVERS "
        "are not set. Default: .koppeling.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show what the libraries log as well.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
InPackage = Annotated[
    Package | None,
    typer.Option("--package", "-p", help="The package; default is the one that the administration uses now."),
]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime | None = None) -> datetime:
    """`2026-03-31`, `2026-03-31T09:00`, or how long ago: `90s`, `15m`, `2h`, `7d`, `1w`.

    Raises:
        typer.BadParameter: it is neither.
    """
    if text[-1:] in _UNITS and text[:-1].isdigit():
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a moment: write 2026-03-31, 2026-03-31T09:00, or how long ago (15m, 2h, 7d)."
        ) from None
    return found if found.tzinfo else found.astimezone()


def examples(*commands: str) -> str:
    """The last lines of a command's `--help`: what people copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)
