"""A stand-in for King that watches the folder of each administration, as King's task scheduler does.

Files are read in King's order (debtors, creditors, archive, journal; then by name). Each is removed when it
was read and leaves a report `<name>.log`; a refused file goes to the subfolder `geweigerd`, relations that
were skipped to `<name>.rest.xml` in the subfolder `rest`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from vendors.king.company import KingCompany, KingSettings
from vendors.king.importing import Report, import_file
from vendors.king.rules import ROOTS
from vendors.simulation.contract import NewCompany
from vendors.simulation.faults import CallKind
from vendors.simulation.simulator import Simulator, Stage

SETTINGS = KingSettings

POLL_SECONDS = 0.2
"""King's scheduler looks every fifteen minutes or so; the simulator is not that patient."""

_ROOT = re.compile(rb"<(KING_[A-Z_]+)")


class KingSimulator(Simulator):
    """King with one folder per administration."""

    package: ClassVar[str] = "king"

    def __init__(self, stage: Stage, folder: Path, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._stage = stage
        self._folder = folder
        self._poll_seconds = poll_seconds
        self._companies: dict[str, KingCompany] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def companies(self) -> Mapping[str, KingCompany]:
        """Its administrations by id."""
        return self._companies

    def create_company(self, wanted: NewCompany) -> KingCompany:
        """Create an administration with its own folder."""
        identifier = wanted.id or f"king-{len(self._companies) + 1}"
        while identifier in self._companies:
            identifier += "x"
        company = KingCompany(self._stage, wanted, identifier, self._folder.resolve() / identifier)
        company.folder.mkdir(parents=True, exist_ok=True)
        self._companies[identifier] = company
        return company

    def forget_company(self, company: str) -> None:
        """Stop watching its folder."""
        del self._companies[company]

    def restore(self, companies: Mapping[str, KingCompany]) -> None:
        """Have these administrations, each with the folder that it had."""
        for identifier, company in companies.items():
            company.folder.mkdir(parents=True, exist_ok=True)
            self._companies[identifier] = company

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """King takes files, not calls."""
        del request, path
        return web.json_response(
            {"error": "king imports files from its folder; see /_simulator/companies"}, status=404
        )

    async def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End watching, after the file in hand."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            for company in list(self._companies.values()):
                self.look(company)
            await asyncio.sleep(self._poll_seconds)

    def look(self, company: KingCompany) -> list[Report]:
        """Read every file that waits in the folder of a company; none while a fault holds King up."""
        reports = []
        for path in _waiting(company.folder):
            fault = self._stage.faults.strike(
                lambda kind: not kind.is_after, self.package, company.id, "import", CallKind.WRITE
            )
            time = self._stage.clock()
            report = None if fault is not None else self._read(company, path)
            if report is not None:
                reports.append(report)
            self._stage.log.add(
                self.package,
                company.id,
                "import",
                time=time,
                status=None if report is None else 422 if report.refused else 200,
                fault=fault,
                seconds=(self._stage.clock() - time).total_seconds(),
                detail=path.name,
            )
            if report is None:
                break
        return reports

    def _read(self, company: KingCompany, path: Path) -> Report | None:
        """Take a file out of the folder and import it; None when it could not be taken."""
        try:
            content = path.read_bytes()
            path.unlink()
        except OSError:
            return None
        report = import_file(company, content, path.name)
        company.report(report.text())
        _write(company.folder / f"{path.stem}.log", f"{report.text()}\n".encode())
        if report.skipped:
            _write(company.folder / "rest" / f"{path.stem}.rest.xml", _rest_file(report))
        if report.refused:
            _write(company.folder / "geweigerd" / path.name, content)
        elif not company.settings.delete_after_reading:
            _write(company.folder / "gelezen" / path.name, content)
        return report


def _waiting(folder: Path) -> list[Path]:
    """The files that wait, in King's order; none while the folder cannot be read."""
    try:
        return sorted(folder.glob("*.xml"), key=_reading_order)
    except OSError:
        return []


def _write(path: Path, content: bytes) -> None:
    """Write beside the books; a full disk does not undo an import (the report is in the books too)."""
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


def _reading_order(path: Path) -> tuple[int, str]:
    """King's order of files; one whose kind cannot be told comes last."""
    with path.open("rb") as file:
        match = _ROOT.search(file.read(4096))
    root = None if match is None else ROOTS.get(match[1].decode())
    return (99 if root is None else root.rank, path.name)


def _rest_file(report: Report) -> bytes:
    outer = report.kind.removeprefix("KING_")
    parts = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{report.kind}><{outer}>'.encode()]
    parts.extend(
        source.partition(b"?>")[2] if source.startswith(b"<?xml") else source for source in report.skipped
    )
    parts.append(f"</{outer}></{report.kind}>\n".encode())
    return b"\n".join(parts)


def create_simulator(stage: Stage, folder: Path) -> KingSimulator:
    """The simulator of this package; its administrations live below `folder/king`."""
    return KingSimulator(stage, folder / "king")
