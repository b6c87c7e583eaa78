"""`koppeling postings`: every document and relation on its way; `posting_actions` acts on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import AsJson, DataDir, Verbose, examples, moment
from ops.commands.terminal import note, print_json, print_table, quiet, say
from ops.commands.troubles import Trouble
from schemas.codes import Code, Outcome, Package

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.overview import ListedPosting, PostingFilter

app = typer.Typer(
    no_args_is_help=True,
    help="Every document and relation on its way into a package, and what a person can do about one.",
)

KINDS = ("sales_invoice", "purchase_invoice", "relation", "administration", "record")

Administration = Annotated[str | None, typer.Option("--administration", "-a", help="Of this administration.")]
OfPackage = Annotated[Package | None, typer.Option("--package", "-p", help="Of this package.")]
Kind = Annotated[str | None, typer.Option(help=f"One of: {', '.join(KINDS)}.")]
States = Annotated[
    list[Outcome] | None, typer.Option("--state", "-s", help="In this state; may be repeated.")
]
OfCode = Annotated[Code | None, typer.Option("--code", "-c", help="For this reason.")]
Field = Annotated[
    str | None,
    typer.Option(
        help="Because of this field, a JSON path: '$.lines[0].ledger_account', or "
        "'$.lines[*].ledger_account' for whatever line."
    ),
]
Numbers = Annotated[
    list[str] | None, typer.Option("--number", "-n", help="With this document number; may be repeated.")
]
Open = Annotated[bool, typer.Option("--open", help="Only what is not finished.")]
NeedsSomebody = Annotated[
    bool, typer.Option("--needs-somebody", help="Only what nothing happens to until somebody acts.")
]
Since = Annotated[
    str | None,
    typer.Option(help="Received since: 2026-03-31, 2026-03-31T09:00, or how long ago (15m, 2h, 7d)."),
]


def posting_filter(
    administration: str | None,
    package: Package | None,
    kind: str | None,
    states: Sequence[Outcome] | None,
    code: Code | None,
    field: str | None,
    numbers: Sequence[str] | None,
    open_only: bool,
    needs_somebody: bool,
    since: str | None,
    ids: Sequence[str] = (),
) -> PostingFilter:
    """The filter that the options of a command add up to; raises `typer.BadParameter` for a wrong one."""
    from ledger.overview import PostingFilter

    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is none of: {', '.join(KINDS)}.", param_hint="--kind")
    return PostingFilter(
        administration=administration,
        package=str(package) if package else None,
        kind=kind,
        states=tuple(str(state) for state in states or ()),
        code=str(code) if code else None,
        field=field,
        numbers=tuple(numbers or ()),
        ids=tuple(ids),
        since=moment(since) if since else None,
        open_only=open_only,
        needs_somebody=needs_somebody,
    )


@app.command(
    "list",
    epilog=examples(
        "koppeling postings list --needs-somebody",
        "koppeling postings list -a adm-1001 --state rejected --since 7d",
        "koppeling postings list --code not_found_ledger_account --json",
    ),
)
def list_(
    administration: Administration = None,
    package: OfPackage = None,
    kind: Kind = None,
    state: States = None,
    code: OfCode = None,
    field: Field = None,
    number: Numbers = None,
    open_only: Open = False,
    needs_somebody: NeedsSomebody = False,
    since: Since = None,
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """List postings and rejected input, in order of arrival. Filters add up."""
    quiet(verbose)
    from ledger.overview import list_postings

    wanted = posting_filter(
        administration, package, kind, state, code, field, number, open_only, needs_somebody, since
    )
    with open_ledger(data_dir) as connection:
        found = list_postings(connection, wanted, limit)
    if as_json:
        print_json([posting.as_json() for posting in found])
        return
    print_table(
        (
            "id",
            "administration",
            "package",
            "kind",
            "number",
            "gross",
            "outcome",
            "booked as",
            "who acts",
            "why",
        ),
        (_row(posting) for posting in found),
        right=("gross",),
        empty="No posting matches.",
    )
    if limit is not None and len(found) == limit:
        note(f"Only the first {limit} are shown.")


def _row(posting: ListedPosting) -> tuple[object, ...]:
    booked_as = posting.package_number or posting.file_name
    return (
        posting.id,
        posting.administration,
        posting.package,
        posting.kind,
        posting.number or posting.document_id,
        posting.gross,
        posting.state,
        booked_as,
        posting.who_acts if posting.code else None,
        posting.message_nl,
    )


@app.command(
    epilog=examples("koppeling postings show 4711", "koppeling postings show R12 --payload > record.bin")
)
def show(
    posting: Annotated[str, typer.Argument(help="An id, as `postings list` shows it.")],
    payload: Annotated[
        bool, typer.Option("--payload", help="Print ENK's data (or the original bytes) and nothing else.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Show all of one posting: what it is, what became of it and when, and what can be done."""
    quiet(verbose)
    import sys

    from ledger.overview import posting_history, posting_payload

    with open_ledger(data_dir) as connection:
        found = find_posting(connection, posting)
        if payload:
            sys.stdout.buffer.write(posting_payload(connection, posting) or b"")
            return
        history = [] if posting.startswith("R") else posting_history(connection, int(posting))
    if as_json:
        print_json(
            {
                **found.as_json(),
                "history": [
                    {
                        name: value
                        for name, value in zip(
                            ("at", "outcome", "code", "attempt", "message"), change, strict=True
                        )
                        if value is not None
                    }
                    for change in history
                ],
            }
        )
        return
    print_table(("posting", posting), _facts(found))
    if history:
        say("")
        print_table(("when", "outcome", "code", "attempt", "message"), history, right=("attempt",))
    say("")
    say(what_can_be_done(found))


def _facts(posting: ListedPosting) -> list[tuple[str, object]]:
    source = f"{posting.source_topic}[{posting.source_partition}]@{posting.source_offset}"
    facts: list[tuple[str, object]] = [
        ("administration", posting.administration),
        ("package", posting.package),
        ("kind", posting.kind),
        ("document", posting.document_id),
        ("number", posting.number),
        ("revision", posting.revision),
        ("gross", posting.gross),
        ("outcome", posting.state),
        ("code", posting.code),
        ("field", posting.field),
        ("why", posting.message_nl),
        ("in English", posting.message_en),
        ("the package says", posting.vendor_message),
        ("who acts", posting.who_acts),
        ("next attempt", posting.due_at),
        ("attempts", posting.attempt),
        ("edit", posting.edit or None),
        ("booked as", posting.package_number),
        ("id in the package", posting.package_id),
        ("file", posting.file_name),
        ("attachment", posting.attachment_state),
        ("event", posting.event_id),
        ("record", source),
        ("received", posting.received_at),
        ("changed", posting.changed_at),
    ]
    return [(name, value) for name, value in facts if value is not None]


def what_can_be_done(posting: ListedPosting) -> str:
    """The next step for a person, in one sentence."""
    outcome = Outcome(posting.state)
    name = posting.id
    if posting.archived:
        return "Nothing has to be done. It is archived: what ENK sent is no longer kept."
    if outcome.is_final:
        return "Nothing has to be done."
    match outcome:
        case Outcome.REJECTED if name.startswith("R"):
            return (
                f"Correct it in ENK and publish it again, or here: `koppeling postings edit {name}`. After a "
                f"release that reads it: `koppeling postings retry {name}`; "
                f"to close it: `koppeling postings discard {name} --reason …`."
            )
        case Outcome.REJECTED:
            return (
                f"Do what the reason says, then `koppeling postings retry {name}`; to mend the document: "
                f"`koppeling postings edit {name}`; typed in by hand: `koppeling postings "
                f"resolve {name} --booked-as NUMBER`; never to be booked: `koppeling postings discard "
                f"{name} --reason …`."
            )
        case Outcome.UNCERTAIN if posting.due_at is None:
            return (
                f"Look in the package whether it is there. It is: `koppeling postings resolve {name} "
                "--booked-as NUMBER`; "
                f"it is not: `koppeling postings resolve {name} --not-booked`."
            )
        case Outcome.UNCERTAIN:
            return f"It is looked up in the package by itself; `koppeling postings retry {name}` does so now."
        case Outcome.HELD if posting.administration:
            return (
                "It goes on when its administration does: `koppeling administrations show "
                f"{posting.administration}` says "
                "what is needed."
            )
        case _:
            return f"It goes on by itself; `koppeling postings retry {name}` tries it now."


def find_posting(connection: psycopg.Connection[TupleRow], identifier: str) -> ListedPosting:
    """The posting or rejected input with that id; raises `Trouble` when there is none."""
    from ledger.overview import list_postings

    found = list_postings(connection, by_ids([identifier]))
    if not found:
        raise Trouble(f"There is no posting {identifier}. `koppeling postings list` shows the ids.")
    return found[0]


def by_ids(ids: Sequence[str]) -> PostingFilter:
    """The filter for exactly these."""
    from ledger.overview import PostingFilter

    return PostingFilter(ids=list(ids))
