"""`koppeling administrations`: which there are, how each is mapped, and holding and releasing them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import lane_key, open_ledger
from ops.commands.options import AsJson, DataDir, InPackage, Verbose, examples
from ops.commands.terminal import note, print_json, print_table, quiet, say
from ops.commands.troubles import Trouble
from schemas.codes import Code, Package, RetryClass

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.administration_list import ListedAdministration
    from ledger.rows import LaneKey
    from ops.mapping_files import WantedMapping

app = typer.Typer(
    no_args_is_help=True, help="Administrations: their mapping, and holding and releasing them."
)

Id = Annotated[str, typer.Argument(metavar="ADMINISTRATION", help="ENK's id of the administration.")]


@app.command(
    epilog=examples(
        "koppeling administrations apply adm-1001.yaml --dry-run", "koppeling administrations apply all.yaml"
    )
)
def apply(
    file: Annotated[str, typer.Argument(help="A YAML file; - reads standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Set the mapping of administrations from a YAML file. Applying it again changes nothing.

    The file is the whole mapping: what it leaves out has its default again. `koppeling administrations
    show` lists every field of a mapping with what it is for.
    """
    quiet(verbose)
    from ops.mapping_files import MappingFileError, read_file

    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    try:
        wanted = read_file(text)
    except MappingFileError as error:
        raise Trouble(
            f"Nothing was changed. {file}:\n" + "\n".join(f"  {one}" for one in error.sentences)
        ) from None
    with open_ledger(data_dir) as connection:
        changed = [item for item in wanted if _apply_one(connection, item, dry_run)]
        if changed and not dry_run:
            _hint_at_retries(connection, [item.key for item in changed])
    same = len(wanted) - len(changed)
    if not changed:
        say(
            f"Nothing to change: {same} {'administration is' if same == 1 else 'administrations are'} "
            "as in the file."
        )
    elif dry_run:
        say(f"{len(changed)} would change, {same} would stay. Leave out --dry-run to do it.")
    else:
        say(f"{len(changed)} changed, {same} stayed. Check each with `koppeling check ADMINISTRATION`.")


def _apply_one(connection: psycopg.Connection[TupleRow], wanted: WantedMapping, dry_run: bool) -> bool:
    """Whether it differs from the ledger; writes it unless `dry_run`."""
    from ledger.administrations import release_lane, set_mapping
    from ledger.audit import record_action
    from ledger.work import lane, make_due
    from ops.bootstrap import operator
    from ops.mapping_files import differences

    key = wanted.key
    stored = lane(connection, key)
    changes = differences(stored.mapping if stored else {}, wanted.mapping)
    if stored is None:
        note(
            f"{key.administration} is new in {key.package}: ENK has not published it (yet) with that package."
        )
    if not changes and stored is not None:
        return False
    print_table(
        (f"{key.administration} in {key.package}", "now", "becomes"),
        ((change.path, _value(change.old), _value(change.new)) for change in changes),
        empty=f"{key.administration} in {key.package}: all defaults.",
    )
    if dry_run:
        return True
    with connection.transaction(), connection.cursor() as cursor:
        set_mapping(cursor, key, wanted.mapping)
        if stored is not None and stored.hold is not None and stored.hold.reason.code is Code.MAPPING_MISSING:
            release_lane(cursor, key)
        make_due(cursor, [key])
        cursor.execute("SELECT pg_notify('koppeling_due', '')")
        record_action(
            cursor,
            operator(),
            "administrations.apply",
            f"{key.administration}@{key.package}",
            {change.path: [change.old, change.new] for change in changes},
        )
    return True


def _value(value: object) -> str:
    return "(default)" if value is None else str(value)


def _hint_at_retries(connection: psycopg.Connection[TupleRow], keys: list[LaneKey]) -> None:
    from ledger.overview import PostingFilter, list_postings
    from schemas.outcome import RULES, parse_code

    for key in keys:
        rejected = list_postings(
            connection,
            PostingFilter(administration=key.administration, package=str(key.package), states=["rejected"]),
        )
        curable = [row for row in rejected if RULES[parse_code(row.code or "")].retry is RetryClass.MAPPING]
        if curable:
            note(
                f"{len(curable)} documents of {key.administration} were refused for a reason that a "
                "mapping can mend: "
                f"`koppeling postings retry -a {key.administration} --state rejected` sends them again."
            )


@app.command(
    "list", epilog=examples("koppeling administrations list", "koppeling administrations list --held --json")
)
def list_(
    held: Annotated[bool, typer.Option("--held", help="Only those that are held.")] = False,
    package: Annotated[Package | None, typer.Option("--package", "-p", help="Of this package.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """List administrations: connected to what, held why, and how much is open."""
    quiet(verbose)
    from ledger.administration_list import list_administrations

    with open_ledger(data_dir) as connection:
        found = list_administrations(connection, package=package)
    if held:
        found = [item for item in found if item.held_code is not None]
    if as_json:
        print_json([item.as_json() for item in found])
        return
    print_table(
        ("administration", "package", "name", "state", "company", "booked", "open", "who acts", "why"),
        (_list_row(item) for item in found),
        right=("booked", "open"),
        empty="No administration is held." if held else "ENK has not published an administration yet.",
    )


def state_of(item: ListedAdministration) -> str:
    """How an administration stands, in a word or two."""
    if not item.current:
        return "moved away"
    if item.active is False:
        return "inactive"
    if item.held_code is not None:
        return "held"
    if item.connected_at is None:
        return "not connected"
    return "in recovery" if item.in_recovery else "working"


def _list_row(item: ListedAdministration) -> tuple[object, ...]:
    from ledger.overview import FINAL

    finished = sum(count for state, count in item.states.items() if state in FINAL)
    opened = sum(item.states.values()) - finished
    why = item.held_nl
    if item.connected_at is None and item.held_code is None and item.current:
        why = f"Sluit aan met `koppeling connect {item.id}`."
    return (
        item.id,
        item.package,
        item.name,
        state_of(item),
        item.company,
        finished,
        opened,
        item.held_who_acts,
        why,
    )


@app.command(epilog=examples("koppeling administrations show adm-1001"))
def show(
    administration: Id,
    package: InPackage = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Show one administration: its company, its whole mapping with defaults, and its postings by state."""
    quiet(verbose)
    from ledger.administration_list import list_administrations

    with open_ledger(data_dir) as connection:
        found = list_administrations(connection, administration, package)
    if not found:
        raise Trouble(
            f"Administration {administration} is not known{f' in {package}' if package else ''}. "
            "`koppeling administrations list` shows those that are."
        )
    if as_json:
        print_json([item.as_json() for item in found])
        return
    for item in found:
        _show_one(item)


def _show_one(item: ListedAdministration) -> None:
    facts: list[tuple[str, object]] = [
        ("name", item.name),
        ("state", state_of(item)),
        ("go-live date", item.mapping.get("go_live_date") or item.go_live_date or "not set"),
        ("connected", item.connected_at or "no: run `koppeling connect`"),
        ("company", f"{item.company} ({item.company_id})" if item.company_id else None),
        ("held since", item.held_since),
        ("why", item.held_nl),
        ("who acts", item.held_who_acts),
        ("tried again", item.probe_at),
        *((f"postings {state}", count) for state, count in item.states.items()),
    ]
    print_table((f"{item.id} in {item.package}", ""), [fact for fact in facts if fact[1] is not None])
    say("")
    print_table(("mapping", "value", "set", "what it is"), _mapping_rows(item), title=None)
    say("")


def _mapping_rows(item: ListedAdministration) -> list[tuple[object, ...]]:
    from pydantic import ValidationError

    from ops.packages import PACKAGES

    package = PACKAGES.get(item.package)
    if package is None:
        return []
    try:
        whole = package.mapping.model_validate(dict(item.mapping)).model_dump(mode="json")
    except ValidationError:
        whole = dict(item.mapping)
    return [
        (
            name,
            "" if whole.get(name) is None else whole[name],
            "set" if name in item.mapping else "default",
            field.description,
        )
        for name, field in package.mapping.model_fields.items()
    ]


@app.command(epilog=examples('koppeling administrations hold adm-1001 --reason "boekhouder sluit maart af"'))
def hold(
    administration: Id,
    reason: Annotated[str, typer.Option(help="Why; ENK and the audit get to see it.")],
    package: InPackage = None,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Stop working on an administration until it is released. What is in flight ends; the rest is held."""
    quiet(verbose)
    if not reason.strip():
        raise typer.BadParameter("give a reason in words.", param_hint="--reason")
    from ledger.administrations import hold_lane
    from ledger.audit import record_action
    from ledger.work import lane
    from ops.bootstrap import operator
    from schemas.outcome import reason as reason_for

    why = reason_for(Code.HELD_BY_OPERATOR, operator=operator(), problem=reason)
    with open_ledger(data_dir) as connection:
        key = lane_key(connection, administration, package)
        if lane(connection, key) is None:
            raise Trouble(f"Administration {administration} is not known in {key.package}.")
        with connection.transaction(), connection.cursor() as cursor:
            hold_lane(cursor, key, why, None)
            record_action(
                cursor,
                operator(),
                "administrations.hold",
                f"{key.administration}@{key.package}",
                {"reason": reason},
            )
    say(
        f"{administration} is held in {key.package}. `koppeling administrations release "
        f"{administration}` lets it go."
    )


@app.command(
    epilog=examples(
        "koppeling administrations release adm-1001", "koppeling administrations release --package snelstart"
    )
)
def release(
    administration: Annotated[
        str | None, typer.Argument(metavar="[ADMINISTRATION]", help="ENK's id; none = the whole package.")
    ] = None,
    package: InPackage = None,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Let a held administration go on, or (with only --package) a package to which sending was stopped."""
    quiet(verbose)
    if administration is None and package is None:
        raise typer.BadParameter("name an administration, or a package with --package.")
    with open_ledger(data_dir) as connection:
        if administration is None:
            assert package is not None
            _release_package(connection, package)
        else:
            _release_one(connection, administration, package)


def _release_one(
    connection: psycopg.Connection[TupleRow], administration: str, package: Package | None
) -> None:
    from ledger.administrations import release_lane
    from ledger.audit import record_action
    from ledger.work import lane
    from ops.bootstrap import operator

    key = lane_key(connection, administration, package)
    found = lane(connection, key)
    if found is None:
        raise Trouble(f"Administration {administration} is not known in {key.package}.")
    if found.hold is None:
        say(f"{administration} is not held in {key.package}: there is nothing to release.")
        return
    with connection.transaction(), connection.cursor() as cursor:
        release_lane(cursor, key)
        record_action(
            cursor,
            operator(),
            "administrations.release",
            f"{key.administration}@{key.package}",
            {"was": str(found.hold.reason.code)},
        )
    say(f"{administration} goes on in {key.package}.")


def _release_package(connection: psycopg.Connection[TupleRow], package: Package) -> None:
    from ledger.audit import record_action
    from ops.bootstrap import operator
    from sinks.breaker import let_package_go, package_stopped

    with connection.transaction(), connection.cursor() as cursor:
        stopped = package_stopped(cursor, package)
        if stopped is None:
            say(f"Sending to {package.label} is not stopped: there is nothing to release.")
            return
        let_package_go(cursor, package)
        record_action(cursor, operator(), "packages.release", str(package), {"was": stopped})
        cursor.execute("SELECT pg_notify('koppeling_due', '')")
    say(f"{package.label} is sent to again; what was held for it goes out in its order.")
