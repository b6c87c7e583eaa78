"""`koppeling postings`: every document and relation on its way, and what a person can do about one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import AsJson, DataDir, Verbose, Yes, examples, moment
from ops.commands.terminal import note, print_json, print_table, quiet, say
from ops.commands.troubles import SOMEBODY, TROUBLE, Trouble
from schemas.codes import Code, Outcome, Package

if TYPE_CHECKING:
    import psycopg
    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from ledger.overview import ListedPosting, PostingFilter
    from ledger.repair import Refused

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
    str | None, typer.Option(help="Because of this field, a JSON path: '$.lines[0].ledger_account'.")
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
Ids = Annotated[list[str] | None, typer.Argument(help="Ids, as `postings list` shows them.")]


def _filter(
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

    wanted = _filter(
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
        found = _find(connection, posting)
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
    if outcome.is_final:
        return "Nothing has to be done."
    match outcome:
        case Outcome.REJECTED if name.startswith("R"):
            return (
                "Correct it in ENK and publish it again. After a release that reads it: `koppeling "
                f"postings retry {name}`; "
                f"to close it: `koppeling postings discard {name} --reason …`."
            )
        case Outcome.REJECTED:
            return (
                f"Do what the reason says, then `koppeling postings retry {name}`; typed in by hand: "
                "`koppeling postings "
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


@app.command(
    epilog=examples(
        "koppeling postings retry 4711 4712",
        "koppeling postings retry -a adm-1001 --code not_found_ledger_account",
    )
)
def retry(
    ids: Ids = None,
    administration: Administration = None,
    package: OfPackage = None,
    kind: Kind = None,
    state: States = None,
    code: OfCode = None,
    field: Field = None,
    number: Numbers = None,
    needs_somebody: NeedsSomebody = False,
    since: Since = None,
    yes: Yes = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Send postings again: after a change in the mapping, in the package, or in ENK.

    Name ids, or filters. What may have been booked is looked up, not sent; what is booked is left alone.
    Rejected input (R…) is read again with this release.
    """
    quiet(verbose)
    from ledger.repair import retry as send_again

    wanted = _filter(
        administration, package, kind, state, code, field, number, True, needs_somebody, since, ids or ()
    )
    with open_ledger(data_dir) as connection:
        chosen = _chosen(connection, wanted, ids, yes, "Send again")
        now = datetime.now(UTC)
        done = _each(connection, "retry", chosen, lambda cursor, one: send_again(cursor, one, now), {})
    say(f"{done} of {len(chosen)} sent again. Follow with `koppeling postings list --open`.")
    raise typer.Exit(0 if done == len(chosen) else SOMEBODY)


@app.command(epilog=examples('koppeling postings discard 4711 --reason "dubbel ingevoerd in ENK"'))
def discard(
    ids: Annotated[list[str], typer.Argument(help="Ids, as `postings list` shows them.")],
    reason: Annotated[
        str, typer.Option(help="Why it must never be booked; ENK and the audit get to see it.")
    ],
    yes: Yes = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """End postings that must never be booked. Only what was never sent, or was refused, can be discarded."""
    quiet(verbose)
    from ledger.repair import discard as end

    _require_reason(reason)
    with open_ledger(data_dir) as connection:
        chosen = _chosen(connection, _ids(ids), ids, yes, "Discard for good")
        done = _each(
            connection, "discard", chosen, lambda cursor, one: end(cursor, one, reason), {"reason": reason}
        )
    say(f"{done} of {len(chosen)} discarded.")
    raise typer.Exit(0 if done == len(chosen) else SOMEBODY)


@app.command(
    epilog=examples(
        "koppeling postings resolve 4711 --booked-as 20260123", "koppeling postings resolve 4711 --not-booked"
    )
)
def resolve(
    posting: Annotated[str, typer.Argument(help="An id, as `postings list` shows it.")],
    booked_as: Annotated[str | None, typer.Option(help="It is in the package, under this number.")] = None,
    package_id: Annotated[
        str | None, typer.Option(help="The package's own id of it, so that its payments are read back.")
    ] = None,
    not_booked: Annotated[
        bool, typer.Option("--not-booked", help="It is not in the package: send it again.")
    ] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Say what became of a doubtful posting, after looking in the package.

    Also for documents that somebody typed in by hand: they are linked and never sent.
    """
    quiet(verbose)
    from ledger.repair import resolve as settle

    if (booked_as is None) == (not not_booked):
        raise typer.BadParameter("say either --booked-as NUMBER or --not-booked.")
    with open_ledger(data_dir) as connection:
        _find(connection, posting)
        done = _each(
            connection,
            "resolve",
            [posting],
            lambda cursor, one: settle(cursor, one, booked_as=booked_as, package_id=package_id),
            {"booked_as": booked_as, "package_id": package_id},
        )
    if not done:
        raise typer.Exit(TROUBLE)
    say(
        f"Posting {posting} is linked to {booked_as}."
        if booked_as
        else f"Posting {posting} is looked up once more, and sent when it is not there."
    )


def _chosen(
    connection: psycopg.Connection[TupleRow],
    wanted: PostingFilter,
    ids: Sequence[str] | None,
    yes: bool,
    what: str,
) -> list[str]:
    """The ids to act on, agreed with the person when there are filters instead of ids."""
    from ledger.overview import PostingFilter, list_postings

    if not ids and wanted == PostingFilter(open_only=True):
        raise typer.BadParameter("name ids, or at least one filter.")
    if ids:
        known = {posting.id for posting in list_postings(connection, PostingFilter(ids=list(ids)))}
        unknown = [one for one in ids if one not in known]
        if unknown:
            raise Trouble(
                f"There is no posting {', '.join(unknown)}. `koppeling postings list` shows the ids."
            )
        return list(ids)
    found = [posting.id for posting in list_postings(connection, wanted)]
    if not found:
        raise Trouble("No posting matches. `koppeling postings list` with the same filters shows what does.")
    if not yes and not typer.confirm(f"{what}: {len(found)} postings?", err=True):
        raise typer.Abort
    return found


def _each(
    connection: psycopg.Connection[TupleRow],
    action: str,
    ids: Sequence[str],
    act: Callable[[Cursor[TupleRow], str], Refused | None],
    detail: dict[str, object],
) -> int:
    """Act on each in a transaction of its own, with its audit row; returns how many were done."""
    from ledger.audit import record_action
    from ops.bootstrap import operator

    done = 0
    for one in ids:
        with connection.transaction(), connection.cursor() as cursor:
            refused = act(cursor, one)
            if refused is None:
                record_action(cursor, operator(), f"postings.{action}", one, detail)
        if refused is None:
            done += 1
        else:
            note(f"{one}: {refused.why.rstrip('.')}.")
    return done


def _find(connection: psycopg.Connection[TupleRow], identifier: str) -> ListedPosting:
    from ledger.overview import list_postings

    found = list_postings(connection, _ids([identifier]))
    if not found:
        raise Trouble(f"There is no posting {identifier}. `koppeling postings list` shows the ids.")
    return found[0]


def _ids(ids: Sequence[str]) -> PostingFilter:
    from ledger.overview import PostingFilter

    return PostingFilter(ids=list(ids))


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("give a reason in words.", param_hint="--reason")
