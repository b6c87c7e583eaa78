"""`koppeling check`: whether an administration can be booked, before the first invoice is."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands.choosing import lane_key
from ops.commands.options import AsJson, DataDir, InPackage, Verbose, examples
from ops.commands.terminal import print_json, print_table, quiet, say
from ops.commands.troubles import OK, SOMEBODY, Trouble

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    from ledger.rows import Lane
    from ops.mapping_check import Finding, OpenDocument
    from ops.packages import DirectPackage, FilePackage
    from ops.settings import Settings
    from sinks.mapping import AdministrationMapping


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("koppeling check adm-1001", "koppeling check adm-1001 --json"))(check)


def check(
    administration: Annotated[str, typer.Argument(metavar="ADMINISTRATION", help="ENK's id of it.")],
    package: InPackage = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    verbose: Verbose = False,
) -> None:
    """Check an administration's mapping, licence and company against its package.

    Asks the package for its own lists, and holds against them what the mapping and the documents that
    still wait point at. Writes nothing. Exit code: 0 all is well, 3 somebody must do something.
    """
    quiet(verbose)
    from ops.bootstrap import ledger, settings_for
    from ops.mapping_check import Weight, needs_somebody
    from ops.settings import Need

    settings = settings_for((Need.DATABASE, Need.CREDENTIALS), data_dir)
    with ledger(settings) as connection:
        key = lane_key(connection, administration, package)
        findings = asyncio.run(findings_for(settings, connection, key.administration, key.package))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        order = {Weight.WRONG: 0, Weight.ADVICE: 1, Weight.GOOD: 2}
        words = {Weight.WRONG: "✗", Weight.ADVICE: "!", Weight.GOOD: "✓"}
        print_table(
            ("", "wat", "bevinding", "documenten"),
            (
                (words[finding.weight], finding.subject, finding.message, finding.documents or None)
                for finding in sorted(findings, key=lambda finding: order[finding.weight])
            ),
            right=("documenten",),
        )
        wrong = sum(finding.weight is Weight.WRONG for finding in findings)
        say("Alles is in orde." if not wrong else f"{wrong} punten moeten worden opgelost.")
    raise typer.Exit(SOMEBODY if needs_somebody(findings) else OK)


async def findings_for(
    settings: Settings, connection: psycopg.Connection[TupleRow], administration: str, package: str
) -> list[Finding]:
    """Everything about one administration.

    Raises:
        Trouble: it is not known in that package, or the package is not built.
    """
    from pydantic import ValidationError

    from ledger.rows import LaneKey
    from ledger.work import lane as read_lane
    from ops.mapping_check import Finding, Weight, about_lane
    from ops.mapping_files import sentences_of
    from ops.packages import PACKAGES, DirectPackage
    from schemas.outcome import Package

    key = LaneKey(administration, Package(package))
    lane = read_lane(connection, key)
    if lane is None:
        raise Trouble(
            f"Administration {administration} is not known in {key.package.label}. Set it up with `koppeling "
            "administrations apply FILE.yaml`."
        )
    built = PACKAGES.get(key.package)
    if built is None:
        raise Trouble(f"{key.package.label} is not built yet. `koppeling packages` shows what is.")
    try:
        mapping = built.mapping.model_validate(dict(lane.mapping))
    except ValidationError as error:
        return [
            Finding("mapping", Weight.WRONG, sentence)
            for sentence in sentences_of(administration, error, built.mapping)
        ]
    findings = list(
        about_lane(
            administration,
            key.package,
            mapping,
            lane.go_live_date,
            connected=lane.connection is not None,
            active=lane.active,
            held=lane.hold.reason.nl if lane.hold else None,
        )
    )
    documents = _documents(connection, lane)
    if isinstance(built, DirectPackage):
        findings += await _direct(settings, connection, lane, built, mapping, documents)
    else:
        findings += _files(settings, connection, lane, built, mapping, documents)
    return findings


def _documents(connection: psycopg.Connection[TupleRow], lane: Lane) -> list[OpenDocument]:
    from ledger.open_documents import open_documents
    from ops.mapping_check import OpenDocument
    from schemas.invoice import Invoice
    from schemas.relation import Relation

    return [
        OpenDocument(
            Invoice.model_validate_json(invoice),
            None if relation is None else Relation.model_validate_json(relation),
        )
        for invoice, relation in open_documents(connection, lane.key)
    ]


async def _direct(
    settings: Settings,
    connection: psycopg.Connection[TupleRow],
    lane: Lane,
    built: DirectPackage,
    mapping: AdministrationMapping,
    documents: list[OpenDocument],
) -> list[Finding]:
    """Asks the package; what it refuses is a finding."""
    import time
    from datetime import timedelta

    from ledger.credentials import stored_credentials
    from ops.bootstrap import apps, vault
    from ops.mapping_check import about_direct_documents, about_failure, about_identity, about_options
    from vendors.failure import Failure
    from vendors.transport import Transport

    if lane.connection is None:
        return []
    with connection.cursor() as cursor:
        stored = stored_credentials(cursor, lane.connection)
    if stored is None:
        return []
    credentials = built.credentials.model_validate_json(vault(settings).decrypt(stored))
    ours = apps(settings)
    timeout = timedelta(seconds=settings.delivery.call_timeout_seconds or 30)
    findings: list[Finding] = []
    async with Transport(timeout=timeout) as transport:
        opened = built.open(credentials, mapping, ours, transport, built.pacer(ours), time.monotonic)
        try:
            try:
                findings.append(about_identity(await opened.sink.probe(), lane.identity))
            except Failure as failure:
                return [about_failure("connection", failure)]
            try:
                findings += about_options(mapping, await opened.sink.options(), documents)
            except Failure as failure:
                findings.append(about_failure("licence", failure))
            findings += about_direct_documents(opened.sink, documents)
        finally:
            await opened.sink.close()
    return findings


def _files(
    settings: Settings,
    connection: psycopg.Connection[TupleRow],
    lane: Lane,
    built: FilePackage,
    mapping: AdministrationMapping,
    documents: list[OpenDocument],
) -> list[Finding]:
    import os
    from pathlib import Path

    from ledger.credentials import stored_credentials
    from ops.bootstrap import vault
    from ops.mapping_check import Finding, Weight, about_file_documents

    findings: list[Finding] = []
    if lane.connection is not None:
        with connection.cursor() as cursor:
            stored = stored_credentials(cursor, lane.connection)
        if stored is not None:
            target = built.credentials.model_validate_json(vault(settings).decrypt(stored))
            folder = Path(str(getattr(target, "folder", "")))
            usable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
            findings.append(
                Finding("folder", Weight.GOOD, f"Bestanden komen in {folder}.")
                if usable
                else Finding(
                    "folder",
                    Weight.WRONG,
                    f"In de map {folder} kan niet worden geschreven (gezien vanaf deze machine). Maak "
                    "haar aan of geef "
                    "rechten, of sluit opnieuw aan met een andere map.",
                )
            )
    return [*findings, *about_file_documents(built.sink, mapping, documents)]
