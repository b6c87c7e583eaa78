"""What commands show: tables and sentences for people, JSON for programs.

Results go to standard output, everything else (progress, sentences about trouble) to standard error.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

WIDTH_OF_A_PIPE, HEIGHT_OF_A_PIPE = 220, 100
"""Of what is no terminal, whatever COLUMNS or TERM say: a table in a file must not be squeezed to 80."""

LOUD_LIBRARIES = ("kafka", "aiokafka", "alembic", "faust", "mode", "psycopg", "httpx", "asyncio")


def console(stream: TextIO | None = None) -> Console:
    """The console of a stream (standard output), made anew because tests and pipes replace it."""
    stream = stream or sys.stdout
    if stream.isatty():
        return Console(file=stream, highlight=False, soft_wrap=False)
    # Both, or rich takes 80 columns wherever TERM is dumb and colours are forced.
    return Console(
        file=stream, width=WIDTH_OF_A_PIPE, height=HEIGHT_OF_A_PIPE, highlight=False, soft_wrap=False
    )


def say(sentence: str) -> None:
    """A sentence on standard output; nothing in it is read as markup."""
    console().print(escape(sentence), soft_wrap=True)


def note(sentence: str) -> None:
    """A sentence on standard error, beside the result."""
    console(sys.stderr).print(escape(sentence), soft_wrap=True)


def print_json(value: object) -> None:
    """JSON on standard output; moments are ISO 8601, amounts decimal strings."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    right: Iterable[str] = (),
    empty: str = "Nothing.",
) -> int:
    """A table on standard output, or a sentence when there are no rows; returns how many there were."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None)
    to_the_right = set(right)
    for column in columns:
        table.add_column(
            column, justify="right" if column in to_the_right else "left", overflow="fold", vertical="top"
        )
    count = 0
    for row in rows:
        table.add_row(*(escape(shown(value)) for value in row))
        count += 1
    if count:
        console().print(table)
    else:
        say(empty)
    return count


def shown(value: object) -> str:
    """A value in a cell: nothing for None, local time, amounts with two decimals."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
        case timedelta():
            return ago(value)
        case Decimal():
            return f"{value:.2f}"
        case _:
            return str(value)


def ago(length: timedelta) -> str:
    """A length of time as people say it: 45 s, 12 min, 3 h, 2 d."""
    seconds = max(0, int(length.total_seconds()))
    for limit, divisor, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds // divisor} {unit}"
    return f"{seconds // 86_400} d"


def since(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago that was; empty for None."""
    return "" if moment is None else ago((now or datetime.now(UTC)) - moment)


def progress() -> Progress:
    """A progress bar on standard error; silent when nobody watches."""
    err = console(sys.stderr)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        console=err,
        disable=not err.is_terminal,
        transient=True,
    )


def quiet(verbose: bool = False) -> None:
    """Logging of a command that prints tables: only what is wrong, and the libraries not even that."""
    from telemetry import logging as our_logging

    our_logging.configure(level="INFO" if verbose else "ERROR")
    if not verbose:
        for name in LOUD_LIBRARIES:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
