"""`koppeling files`: import files for the packages that read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import lane_key, open_ledger
from ops.commands.options import AsJson, DataDir, InPackage, Verbose, examples
from ops.commands.terminal import note, print_json, print_table, quiet, say
from ops.commands.troubles import Trouble

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.file_listing import FileDetail
    from ledger.rows import PostingId

app = typer.Typer(no_args_is_help=True, help="Import files for the packages that read them.")

STATES = ("cut", "delivering", "delivered", "uncertain", "held", "void")
File = Annotated[int, typer.Argument(metavar="FILE", help="Its id, as `files list` shows it.")]
Documents = Annotated[
    list[str] | None,
    typer.Option("--document", "-n", help="Only the document with this number; may be repeated."),
]


@app.command(
    "list",
    epilog=examples("koppeling files list", "koppeling files list -a adm-2002 --state delivered --json"),
)
def list_(
    administration: Annotated[str | None, typer.Option("--administration", "-a", help="Of this one.")] = None,
    state: Annotated[str | None, typer.Option("--state", "-s", help=f"One of: {', '.join(STATES)}.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 200,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """List files, the newest first: what is in them, where they are, what was confirmed."""
    quiet(verbose)
    if state is not None and state not in STATES:
        raise typer.BadParameter(f"{state!r} is none of: {', '.join(STATES)}.", param_hint="--state")
    from ledger.file_listing import list_files

    with open_ledger(data_dir) as connection:
        found = list_files(connection, administration=administration, state=state, limit=limit)
    if as_json:
        print_json([asdict(file) for file in found])
        return
    print_table(
        (
            "id",
            "administration",
            "package",
            "file",
            "cut",
            "state",
            "documents",
            "confirmed",
            "released",
            "names",
            "why",
        ),
        (
            (
                file.id,
                file.administration,
                file.package,
                file.sequence,
                file.cut_at,
                file.state,
                file.documents,
                file.confirmed,
                file.released,
                ", ".join(file.names),
                file.message_nl,
            )
            for file in found
        ),
        right=("documents", "confirmed", "released"),
        empty="There is no such file. `koppeling files cut ADMINISTRATION` makes one of what is ready.",
    )


@app.command(epilog=examples("koppeling files show 12"))
def show(file: File, as_json: AsJson = False, data_dir: DataDir = None, verbose: Verbose = False) -> None:
    """Show one file: its parts, and every document in it with what was said of it."""
    quiet(verbose)
    with open_ledger(data_dir) as connection:
        found = _find(connection, file)
    if as_json:
        print_json({**asdict(found.summary), "parts": _dicts(found.parts), "members": _dicts(found.members)})
        return
    summary = found.summary
    facts: list[tuple[str, object]] = [
        ("administration", summary.administration),
        ("package", summary.package),
        ("cut", summary.cut_at),
        ("state", summary.state),
        ("delivered", summary.delivered_at),
        ("why", summary.message_nl),
        ("tried again", summary.due_at),
        ("downloads", summary.downloads),
    ]
    print_table(
        (f"file {summary.id}", f"no. {summary.sequence}"), [fact for fact in facts if fact[1] is not None]
    )
    say("")
    print_table(
        ("part", "name", "bytes", "state", "sha256"),
        ((part.position, part.name, part.size, part.state, part.sha256) for part in found.parts),
        right=("bytes",),
    )
    say("")
    print_table(
        ("posting", "kind", "number", "gross", "state", "why"),
        (
            (member.posting, member.kind, member.number, member.gross, member.state, member.reason)
            for member in found.members
        ),
        right=("gross",),
    )
    say("")
    say(
        f"After the import: `koppeling files confirm {summary.id}`, or `koppeling files release "
        f"{summary.id} --reason … "
        "--document NUMBER` for what the package refused."
    )


def _dicts(rows: Sequence[object]) -> list[dict[str, object]]:
    return [asdict(row) for row in rows]  # type: ignore[call-overload]


@app.command(epilog=examples("koppeling files cut adm-2002"))
def cut(
    administration: Annotated[str, typer.Argument(metavar="ADMINISTRATION", help="ENK's id of it.")],
    package: InPackage = None,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Make a file now of everything that is ready, instead of at the planned time."""
    quiet(verbose)
    from ledger.audit import record_action
    from ledger.files import cut_now
    from ops.bootstrap import operator

    with open_ledger(data_dir) as connection:
        key = lane_key(connection, administration, package)
        with connection.transaction(), connection.cursor() as cursor:
            count = cut_now(cursor, key)
            record_action(
                cursor, operator(), "files.cut", f"{key.administration}@{key.package}", {"documents": count}
            )
    if count:
        say(f"{count} documents are put in a file now. `koppeling files list -a {administration}` shows it.")
    else:
        say(
            f"Nothing of {administration} is ready for a file. `koppeling postings list -a "
            f"{administration} --open`."
        )


@app.command(epilog=examples("koppeling files get 12", "koppeling files get 12 --to ~/Downloads"))
def get(
    file: File,
    to: Annotated[Path, typer.Option("--to", help="The folder to write to; created when missing.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Download a file: the same bytes, however often. Says so when it was downloaded before."""
    quiet(verbose)
    from ledger.audit import record_action
    from ledger.file_listing import count_download
    from ledger.files import has_bytes, read_part
    from ops.bootstrap import operator

    with open_ledger(data_dir) as connection:
        found = _find(connection, file)
        if not has_bytes(connection, found.summary.id):
            raise Trouble(
                f"The bytes of file {file} are gone: it was cut on {found.summary.cut_at:%Y-%m-%d}, longer "
                "ago than files are kept (RETENTION__FILE_YEARS), or they were erased."
            )
        to.mkdir(parents=True, exist_ok=True)
        there = [part.name for part in found.parts if (to / part.name).exists()]
        if there and not force:
            raise Trouble(
                f"{to} already has {', '.join(there)}. Choose another folder with --to, or say --force."
            )
        for part in found.parts:
            with (to / part.name).open("wb") as target:
                for block in read_part(connection, found.summary.id, part.position):
                    target.write(block)
        with connection.transaction(), connection.cursor() as cursor:
            before = count_download(cursor, found.summary.id)
            record_action(cursor, operator(), "files.get", str(file), {"downloads_before": before})
    if before:
        note(
            f"This file was downloaded {before} time{'s' if before > 1 else ''} before: import it only "
            "when that was "
            "not done yet."
        )
    if found.summary.confirmed:
        note(f"{found.summary.confirmed} of its documents were confirmed: they are in the books.")
    print_table(("written", "bytes"), ((to / part.name, part.size) for part in found.parts), right=("bytes",))
    say(f"Import them in this order; then `koppeling files confirm {file}`.")


@app.command(
    epilog=examples(
        "koppeling files confirm 12", "koppeling files confirm 12 --document 20260123 --document 20260124"
    )
)
def confirm(
    file: File,
    documents: Documents = None,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Say that the package accepted a file's documents; without --document all that are not released."""
    quiet(verbose)
    from ledger.audit import record_action
    from ledger.file_answers import NotPossible
    from ledger.file_answers import confirm as accept
    from ops.bootstrap import operator

    with open_ledger(data_dir) as connection:
        found = _find(connection, file)
        chosen = members_of(found, documents)
        try:
            with connection.transaction(), connection.cursor() as cursor:
                count = accept(cursor, found.summary.id, chosen)
                record_action(
                    cursor, operator(), "files.confirm", str(file), {"documents": documents, "count": count}
                )
        except NotPossible as error:
            raise Trouble(str(error)) from error
    say(f"{count} documents of file {file} are confirmed.")


@app.command(
    epilog=examples(
        'koppeling files release 12 --reason "grootboek 8999 bestaat niet" --document 20260123',
        'koppeling files release 12 --reason "bestand niet ingelezen"',
    )
)
def release(
    file: File,
    reason: Annotated[str, typer.Option(help="Why the package did not accept them.")],
    documents: Documents = None,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Say that the package did not accept documents: they go into a next file, with the numbers they have.

    Without --document all that are not confirmed.
    """
    quiet(verbose)
    from ledger.audit import record_action
    from ledger.file_answers import NotPossible
    from ledger.file_answers import release as put_back
    from ops.bootstrap import operator

    if not reason.strip():
        raise typer.BadParameter("give a reason in words.", param_hint="--reason")
    with open_ledger(data_dir) as connection:
        found = _find(connection, file)
        chosen = members_of(found, documents)
        try:
            with connection.transaction(), connection.cursor() as cursor:
                count = put_back(cursor, found.summary.id, chosen, reason)
                record_action(
                    cursor,
                    operator(),
                    "files.release",
                    str(file),
                    {"documents": documents, "count": count, "reason": reason},
                )
        except NotPossible as error:
            raise Trouble(str(error)) from error
    say(f"{count} documents of file {file} go into a next file.")


@app.command(
    epilog=examples("koppeling files resolve 12 --arrived", "koppeling files resolve 12 --not-arrived")
)
def resolve(
    file: File,
    arrived: Annotated[
        bool, typer.Option("--arrived/--not-arrived", help="Whether the file reached the package.")
    ],
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Say whether an uncertain file reached the package. One that did not is delivered once more."""
    quiet(verbose)
    from ledger.audit import record_action
    from ledger.file_answers import NotPossible
    from ledger.file_answers import resolve as settle
    from ops.bootstrap import operator

    with open_ledger(data_dir) as connection:
        found = _find(connection, file)
        try:
            with connection.transaction(), connection.cursor() as cursor:
                settle(cursor, found.summary.id, arrived=arrived)
                record_action(cursor, operator(), "files.resolve", str(file), {"arrived": arrived})
        except NotPossible as error:
            raise Trouble(str(error)) from error
    say(f"File {file} arrived." if arrived else f"File {file} is delivered once more.")


def members_of(found: FileDetail, documents: Sequence[str] | None) -> list[PostingId] | None:
    """The postings of documents by number; None for all.

    Raises:
        Trouble: a number is not in the file.
    """
    if not documents:
        return None
    numbers = {member.number for member in found.members}
    unknown = [number for number in documents if number not in numbers]
    if unknown:
        raise Trouble(
            f"File {found.summary.id} has no document {', '.join(unknown)}. `koppeling files show "
            f"{found.summary.id}` "
            "lists what is in it."
        )
    return [member.posting for member in found.members if member.number in set(documents)]


def _find(connection: psycopg.Connection[TupleRow], file: int) -> FileDetail:
    from ledger.file_listing import show_file
    from ledger.files import FileId

    found = show_file(connection, FileId(file))
    if found is None:
        raise Trouble(f"There is no file {file}. `koppeling files list` shows those that there are.")
    return found
