"""`koppeling postings edit`: opens what ENK sent in an editor, and stores it when it is right."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import DataDir, Verbose, examples
from ops.commands.postings import find_posting
from ops.commands.terminal import note, quiet, say
from ops.commands.troubles import TROUBLE, Trouble

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.edits import Edited, Invalid, Opened, Refused

STDIN = Path("-")


def register(app: typer.Typer) -> None:
    """Add the command to `koppeling postings`."""
    app.command(
        epilog=examples(
            'koppeling postings edit 4711 --reason "grootboekrekening van maart"',
            "koppeling postings show 4711 --payload > 4711.json",
            "koppeling postings edit 4711 --file 4711.json",
            "koppeling postings edit R12",
        )
    )(edit)


def edit(
    posting: Annotated[str, typer.Argument(help="An id, as `postings list` shows it.")],
    file: Annotated[
        Path | None,
        typer.Option(
            help="Take the edited document from this file instead of an editor; - is standard input."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept with the edit and in the audit.")] = None,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Edit a document before it is booked, in $EDITOR, and send it.

    It is checked as what ENK sends is checked. Which document it is (administration, direction, id, number,
    revision, relation) cannot be edited. ENK is told, keeps its own document, and its next revision takes the
    place of the edit. Only what was never sent, or was refused, can be edited. Rejected input (R…) becomes
    the posting that it should have been.
    """
    quiet(verbose)
    from ledger.edits import Edited, Invalid, Refused

    with open_ledger(data_dir) as connection:
        if not posting.startswith("R"):
            find_posting(connection, posting)
        opened = _open(connection, posting)
        text = shown_for_editing(opened.content)
        while True:
            edited = _from_file(file) if file is not None else _from_editor(text)
            if edited is None:
                say("Nothing was changed.")
                return
            result = _save(connection, posting, edited, reason, None if file else opened.version)
            match result:
                case Edited():
                    say(_done(posting, result))
                    return
                case Refused(why):
                    raise Trouble(f"{posting}: {why.rstrip('.')}.")
                case Invalid(wrong):
                    note(f"{wrong.field}: {wrong.en}")
                    note(wrong.nl)
            if file is not None or not typer.confirm("Edit again?", default=True, err=True):
                note("Nothing was changed.")
                raise typer.Exit(TROUBLE)
            text = edited.decode("utf-8", "replace")


def shown_for_editing(content: bytes) -> str:
    """JSON with one field a line; what is no JSON as it is."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False) + "\n"
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def _open(connection: psycopg.Connection[TupleRow], posting: str) -> Opened:
    from ledger.edits import Refused, open_for_editing

    with connection.transaction(), connection.cursor() as cursor:
        opened = open_for_editing(cursor, posting)
    if isinstance(opened, Refused):
        raise Trouble(f"{posting}: {opened.why.rstrip('.')}. `koppeling postings show {posting}` tells more.")
    return opened


def _from_file(file: Path) -> bytes:
    if file == STDIN:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file} cannot be read: {error.strerror}.") from error


def _from_editor(text: str) -> bytes | None:
    """What the person saved; None when they changed nothing. Nobody else can read the file."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="koppeling-") as folder:
        path = Path(folder) / "document.json"
        path.write_text(text, encoding="utf-8", newline="")
        try:
            ended = subprocess.run([*command, str(path)], check=False).returncode
        except OSError as error:
            raise Trouble(
                f"The editor {command[0]!r} cannot be started: {error.strerror}. Set EDITOR, or use --file."
            ) from error
        if ended:
            raise Trouble(f"The editor {command[0]!r} ended with {ended}: nothing was changed.")
        edited = path.read_bytes()
    return None if edited == text.encode() else edited


def _save(
    connection: psycopg.Connection[TupleRow],
    posting: str,
    content: bytes,
    reason: str | None,
    version: int | None,
) -> Edited | Invalid | Refused:
    from ledger.audit import record_action
    from ledger.edits import Edited, Editor
    from ledger.edits import edit as save
    from ops.bootstrap import operator

    by = Editor(operator(), reason)
    with connection.transaction(), connection.cursor() as cursor:
        result = save(cursor, posting, content, by, datetime.now(UTC), version=version)
        if isinstance(result, Edited):
            detail = {"edit": result.n, "posting": result.posting, "reason": reason}
            record_action(cursor, by.who, "postings.edit", posting, detail)
    return result


def _done(posting: str, edited: Edited) -> str:
    if edited.posting is None:
        return f"{posting} is taken in."
    if edited.n == 0:
        return f"{posting} is what posting {edited.posting} has already; it is closed."
    return (
        f"Edit {edited.n} of posting {edited.posting} is stored and goes out. "
        f"Follow with `koppeling postings show {edited.posting}`."
    )
