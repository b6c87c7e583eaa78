"""The stand-in for King watches folders, as King's task scheduler does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.vendors.king import files
from tests.vendors.simulation.driving import Control, serving, until


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    async with serving("king", folder=tmp_path) as (_, control):
        yield control


async def folder_of(control: Control, **wanted: object) -> Path:
    company = await control.company("king", id="bouw", **wanted)
    return Path(company["credentials"]["folder"])


async def until_read(folder: Path) -> None:
    async def is_empty() -> bool:
        return not list(folder.glob("*.xml"))

    await until(is_empty)


def put(folder: Path, name: str, content: bytes) -> None:
    """As our own delivery does: a temporary name, then renamed."""
    part = folder / f"{name}.part"
    part.write_bytes(content)
    part.rename(folder / name)


async def test_files_are_read_in_kings_order_and_removed(control: Control) -> None:
    folder = await folder_of(control)
    hold = await control.fault("maintenance", company="bouw")
    put(folder, "a_journaal.xml", files.journal(files.sale(), files.purchase()))
    put(folder, "b_crediteuren.xml", files.creditors(files.debtor(250051, "Groothandel")))
    put(folder, "c_debiteuren.xml", files.debtors(files.debtor()))
    (folder / "d_half.xml.part").write_bytes(b"<KING")
    await control.ask("DELETE", f"faults/{hold}")
    await until_read(folder)
    books = await control.books("bouw")
    assert [sale["number"] for sale in books["sales"]] == ["20260123"]
    assert [purchase["gross"] for purchase in books["purchases"]] == ["242.00"]
    assert [(row["code"], row["name"]) for row in books["creditors"]] == [("250051", "Groothandel")]
    assert sorted(path.name for path in folder.iterdir()) == [
        "a_journaal.log",
        "b_crediteuren.log",
        "c_debiteuren.log",
        "d_half.xml.part",
    ]
    assert books["reports"][-1] == (folder / "a_journaal.log").read_text(encoding="utf-8").strip()
    assert [report.split()[1] for report in books["reports"]] == [
        "c_debiteuren.xml",
        "b_crediteuren.xml",
        "a_journaal.xml",
    ]


async def test_a_refused_file_is_kept_apart_with_its_report(control: Control) -> None:
    folder = await folder_of(control)
    put(folder, "journaal.xml", files.journal(files.sale()))
    await until_read(folder)
    books = await control.books("bouw")
    assert books["sales"] == []
    assert "geweigerd" in (folder / "journaal.log").read_text(encoding="utf-8")
    assert (folder / "geweigerd" / "journaal.xml").read_bytes() == files.journal(files.sale())
    [call] = [call for call in await control.log(company="bouw") if call["detail"] == "journaal.xml"]
    assert (call["operation"], call["status"]) == ("import", 422)


async def test_the_rest_file_can_be_read_after_repair(control: Control) -> None:
    folder = await folder_of(control)
    put(folder, "deb.xml", files.debtors(files.debtor(NAW_BTWCODE=998), files.debtor(130124, "Goed")))
    await until_read(folder)
    rest = (folder / "rest" / "deb.rest.xml").read_bytes()
    put(folder, "herstel.xml", rest.replace(b"998", b"002"))
    await until_read(folder)
    assert [row["code"] for row in (await control.books("bouw"))["debtors"]] == ["130124", "130123"]


async def test_king_waits_while_a_fault_holds_it_up(control: Control) -> None:
    folder = await folder_of(control)
    fault = await control.fault("hang", operation="import", count=3)
    put(folder, "deb.xml", files.debtors(files.debtor()))
    await until_read(folder)
    assert (await control.ask("GET", f"faults/{fault}"))["hits"] == 3
    statuses = [call["status"] for call in await control.log(company="bouw")]
    assert statuses == [None, None, None, 200]


async def test_another_folder_can_be_watched_and_files_kept(control: Control, tmp_path: Path) -> None:
    chosen = tmp_path / "doel van ENK"
    folder = await folder_of(control, settings={"folder": str(chosen), "delete_after_reading": False})
    assert folder == chosen
    put(folder, "deb.xml", files.debtors(files.debtor()))
    await until_read(folder)
    assert (folder / "gelezen" / "deb.xml").exists()


async def test_payments_and_reset_work_as_for_any_package(control: Control) -> None:
    folder = await folder_of(control)
    put(folder, "deb.xml", files.debtors(files.debtor()))
    await until_read(folder)
    put(folder, "journaal.xml", files.journal(files.sale()))
    await until_read(folder)
    paid = await control.ask("POST", "payments", {"company": "bouw", "number": "20260123", "amount": "80.00"})
    assert paid["open"] == "1300.00"
    await control.ask("POST", "reset", {"package": "king"})
    books = await control.books("bouw")
    assert (books["sales"], books["debtors"], books["reports"]) == ([], [], [])


async def test_a_folder_that_is_replaced_by_a_file_does_not_stop_the_watch(control: Control) -> None:
    folder = await folder_of(control)
    folder.rmdir()
    folder.write_text("geen map")
    other = await control.company("king", id="ander")
    put(Path(other["credentials"]["folder"]), "deb.xml", files.debtors(files.debtor()))
    await until_read(Path(other["credentials"]["folder"]))
    assert len((await control.books("ander"))["debtors"]) == 1
