"""`koppeling connect` and `disconnect`: an administration's credentials, proven before they are stored."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import lane_key
from ops.commands.options import DataDir, InPackage, Verbose, Yes, examples
from ops.commands.terminal import note, quiet, say
from ops.commands.troubles import Trouble, sentence_of
from schemas.codes import Package

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from ops.settings import Settings

Id = Annotated[str, typer.Argument(metavar="ADMINISTRATION", help="ENK's id of the administration.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples(
            "koppeling connect adm-1001",
            "vault read adm-1001 | koppeling connect adm-1001 --package snelstart --stdin",
        )
    )(connect)
    app.command(epilog=examples("koppeling disconnect adm-1001"))(disconnect)


def connect(
    administration: Id,
    package: InPackage = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the credentials as a JSON object from standard input.")
    ] = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Connect an administration to its company in the package.

    Asks for what the package needs (what is secret is not shown while you type), proves it by logging in,
    pins the company that it opens, and stores it encrypted. Credentials are never read from an argument.
    Connecting again replaces them.
    """
    quiet(verbose)
    from ops.bootstrap import connector, ledger, settings_for
    from ops.settings import Need
    from vendors.failure import Failure

    settings = settings_for((Need.DATABASE, Need.CREDENTIALS), data_dir)
    with ledger(settings) as connection:
        key = lane_key(connection, administration, package)
        plug = connector(settings)
        model = plug.credentials_model(key)
        given = _from_stdin() if stdin else _ask(model)
        _check(model, given)
        require_app_key(settings, key.package, given)
        try:
            identity = asyncio.run(plug.connect(connection, key, given))
        except Failure as failure:
            raise Trouble(
                f"{sentence_of(failure)} Er is niets opgeslagen: los dit op en voer het commando opnieuw uit."
            ) from failure
        connection.execute("SELECT pg_notify('koppeling_due', '')")
    say(f"{administration} is connected to {identity.name} ({identity.id}) in {key.package.label}.")
    say(f"Check its mapping with `koppeling check {administration}`.")


def require_app_key(settings: Settings, package: Package, given: Mapping[str, object]) -> None:
    """Raise `Trouble` when ENK's own key at the vendor is neither set nor given."""
    if package is Package.SNELSTART and not (
        given.get("subscription_key") or settings.snelstart.subscription_key
    ):
        raise Trouble(
            "SNELSTART__SUBSCRIPTION_KEY is not set: ENK's own key of the SnelStart B2B API, one for "
            "all customers. "
            "Set it (workers need it too), or give subscription_key with --stdin."
        )


def _from_stdin() -> dict[str, object]:
    try:
        given = json.loads(sys.stdin.read())
    except ValueError:
        raise Trouble(
            'Standard input is not JSON. Give one object, such as {"koppelsleutel": "…"}.'
        ) from None
    if not isinstance(given, dict):
        raise Trouble("Standard input must be one JSON object with the credentials.")
    return given


def _ask(model: type[BaseModel]) -> dict[str, object]:
    """What the package cannot do without; the rest has its default (or comes with --stdin)."""
    given: dict[str, object] = {}
    for name, field in model.model_fields.items():
        if not field.is_required():
            continue
        if field.description:
            note(field.description)
        given[name] = typer.prompt(name, hide_input=_is_secret(field), err=True).strip()
    return given


def _is_secret(field: FieldInfo) -> bool:
    return "Secret" in str(field.annotation)


def _check(model: type[BaseModel], given: Mapping[str, object]) -> None:
    """Raises `Trouble` with the fields that are missing or wrong; values are never repeated."""
    from pydantic import ValidationError

    try:
        model.model_validate(dict(given))
    except ValidationError as error:
        wrong = [
            f"  {'.'.join(str(part) for part in detail['loc']) or 'credentials'}: {detail['msg']}"
            for detail in error.errors(include_input=False)
        ]
        wanted = ", ".join(
            name + ("" if field.is_required() else " (optional)")
            for name, field in model.model_fields.items()
        )
        raise Trouble(
            "These are not the credentials that the package needs:\n"
            + "\n".join(wrong)
            + f"\nIt needs: {wanted}."
        ) from None


def disconnect(
    administration: Id,
    package: InPackage = None,
    yes: Yes = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Forget an administration's credentials. What is open is held until it is connected again."""
    quiet(verbose)
    from ledger.work import lane
    from ops.bootstrap import connector, ledger, settings_for
    from ops.settings import Need

    settings = settings_for((Need.DATABASE, Need.CREDENTIALS), data_dir)
    with ledger(settings) as connection:
        key = lane_key(connection, administration, package)
        found = lane(connection, key)
        if found is None or found.connection is None:
            say(f"{administration} is not connected to {key.package.label}: there is nothing to forget.")
            return
        if not yes and not typer.confirm(
            f"Delete the credentials of {administration} in {key.package.label}?", err=True
        ):
            raise typer.Abort
        connector(settings).disconnect(connection, key)
    say(
        f"{administration} is disconnected from {key.package.label}; its credentials are deleted here. "
        "Withdraw them in "
        "the package too, if nobody else uses them."
    )
