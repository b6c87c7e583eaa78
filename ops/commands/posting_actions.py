"""What a person does to a posting: `koppeling postings retry`, `resolve` and `discard`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import open_ledger
from ops.commands.options import DataDir, Verbose, Yes, examples
from ops.commands.postings import (
    Administration,
    Field,
    Kind,
    NeedsSomebody,
    Numbers,
    OfCode,
    OfPackage,
    Since,
    States,
    by_ids,
    find_posting,
    posting_filter,
)
from ops.commands.terminal import note, quiet, say
from ops.commands.troubles import SOMEBODY, TROUBLE, Trouble
from schemas.codes import Package

if TYPE_CHECKING:
    import psycopg
    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from ledger.overview import ListedPosting, PostingFilter
    from ledger.repair import Refused

Ids = Annotated[list[str] | None, typer.Argument(help="Ids, as `postings list` shows them.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `koppeling postings`."""
    app.command(
        epilog=examples(
            "koppeling postings retry 4711 4712",
            "koppeling postings retry -a adm-1001 --code not_found_ledger_account",
        )
    )(retry)
    app.command(epilog=examples('koppeling postings discard 4711 --reason "dubbel ingevoerd in ENK"'))(
        discard
    )
    app.command(
        epilog=examples(
            "koppeling postings resolve 4711 --booked-as 20260123",
            "koppeling postings resolve 4711 --not-booked",
        )
    )(resolve)


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
    from ledger.replay_rows import filter_json

    wanted = posting_filter(
        administration, package, kind, state, code, field, number, True, needs_somebody, since, ids or ()
    )
    with open_ledger(data_dir) as connection:
        chosen = _chosen(connection, wanted, ids, yes, "Send again")
        now = datetime.now(UTC)
        detail: dict[str, object] = {} if ids else {"filter": filter_json(wanted), "count": len(chosen)}
        done = _each(connection, "retry", chosen, lambda cursor, one: send_again(cursor, one, now), detail)
    say(f"{done} of {len(chosen)} sent again. Follow with `koppeling postings list --open`.")
    raise typer.Exit(0 if done == len(chosen) else SOMEBODY)


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
        chosen = _chosen(connection, by_ids(ids), ids, yes, "Discard for good")
        done = _each(
            connection, "discard", chosen, lambda cursor, one: end(cursor, one, reason), {"reason": reason}
        )
    say(f"{done} of {len(chosen)} discarded.")
    raise typer.Exit(0 if done == len(chosen) else SOMEBODY)


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

    Also for documents that somebody typed in by hand, whatever keeps them from being booked: they are linked
    and never sent. Payments are read back by the package's own id; without --package-id the next readback of
    everything finds a sales invoice by its number.
    """
    quiet(verbose)
    from ledger.repair import resolve as settle

    if (booked_as is None) == (not not_booked):
        raise typer.BadParameter("say either --booked-as NUMBER or --not-booked.")
    if booked_as is not None and not booked_as.strip():
        raise typer.BadParameter("name the number that it has in the package.", param_hint="--booked-as")
    if package_id is not None and booked_as is None:
        raise typer.BadParameter("goes with --booked-as NUMBER.", param_hint="--package-id")
    with open_ledger(data_dir) as connection:
        found = find_posting(connection, posting)
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
        f"Posting {posting} is linked to {booked_as}.{_about_payments(found, package_id)}"
        if booked_as
        else f"Posting {posting} is looked up once more, and sent when it is not there."
    )


def _about_payments(posting: ListedPosting, package_id: str | None) -> str:
    from schemas.catalogue import ROW_OF_PACKAGE

    if posting.kind != "sales_invoice" or posting.package is None or package_id is not None:
        return ""
    row = ROW_OF_PACKAGE[Package(posting.package)]
    if not row.has_readback:
        return f" {Package(posting.package).label} is not read back: ENK hears nothing of its payments."
    return " Its payments are read back once the readback has found that number."


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


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("give a reason in words.", param_hint="--reason")
