"""`koppeling connect`, `disconnect` and `check`, against a simulator over HTTP and a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ops.commands.conftest import Book, Terminal
from tests.ops.commands.snelstart_books import served
from tests.schemas import builders


class Simulator:
    """A SnelStart simulator in a thread of its own."""

    def __init__(self, control: str) -> None:
        self._control = control

    def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = httpx.request(method, f"{self._control}/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def company(self, **wanted: object) -> tuple[str, str]:
        """A new company: its id, and its credentials as `connect --stdin` takes them."""
        made = self.ask("POST", "companies", {"package": "snelstart", **wanted})
        urls = made["urls"]
        return made["company"], json.dumps(
            {**made["credentials"], "base_url": urls["api_url"], "auth_url": urls["auth_url"]}
        )


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with served() as control:
        yield Simulator(control)


@pytest.fixture
def connected(terminal: Terminal, book: Book, simulator: Simulator) -> str:
    """The company that adm-1001 is connected to."""
    book.receive(builders.administration(), builders.relation())
    company, credentials = simulator.company(name="Jansen")
    terminal.ok("connect", "adm-1001", "--stdin", stdin=credentials)
    return company


def findings(terminal: Terminal, code: int) -> dict[str, str]:
    """Messages of what is wrong, by subject."""
    found = terminal.json("check", "adm-1001", code=code)
    return {one["subject"]: one["message"] for one in found if one["weight"] == "wrong"}


def test_connecting_proves_pins_and_releases(terminal: Terminal, book: Book, connected: str) -> None:
    listed = terminal.json("administrations", "list")[0]
    assert listed["company"]["name"] == "Jansen"
    assert book.ask("SELECT DISTINCT state FROM posting") == [("received",)]
    assert book.audited() == [("connect", "adm-1001@snelstart")]


def test_credentials_are_stored_encrypted_and_never_shown(
    terminal: Terminal, book: Book, simulator: Simulator
) -> None:
    book.receive(builders.administration())
    _, credentials = simulator.company()
    result = terminal.run("connect", "adm-1001", "--stdin", stdin=credentials)
    secret = json.loads(credentials)["koppelsleutel"]
    assert result.exit_code == 0
    assert secret not in result.output
    assert secret.encode() not in bytes(book.ask("SELECT credentials FROM connection")[0][0])
    assert secret not in str(book.ask("SELECT * FROM audit"))


def test_wrong_credentials_store_nothing(terminal: Terminal, book: Book, simulator: Simulator) -> None:
    book.receive(builders.administration())
    wrong = {**json.loads(simulator.company()[1]), "koppelsleutel": "onzin"}
    said = terminal.said("connect", "adm-1001", "--stdin", stdin=json.dumps(wrong))
    assert "Er is niets opgeslagen" in said
    assert book.ask("SELECT count(*) FROM connection") == [(0,)]


def test_what_is_missing_is_named_and_what_was_given_is_not_repeated(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration())
    said = terminal.said("connect", "adm-1001", "--stdin", stdin='{"koppel": "geheim"}')
    assert "koppelsleutel: Field required" in said
    assert "geheim" not in said
    assert "is not JSON" in terminal.said("connect", "adm-1001", "--stdin", stdin="geheim")
    asked = terminal.said("connect", "adm-1001", "--stdin", stdin='{"koppelsleutel": "geheim"}')
    assert "SNELSTART__SUBSCRIPTION_KEY is not set" in asked


def test_a_package_that_is_not_built(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration(package="afas"))
    assert "AFAS is not built yet" in terminal.said("connect", "adm-1001", "--stdin", stdin="{}")


def test_a_folder_is_asked_for_and_must_exist(terminal: Terminal, book: Book, tmp_path: Path) -> None:
    book.receive(builders.administration(package="king"))
    terminal.said("connect", "adm-1001", stdin=f"{tmp_path / 'nergens'}\n")
    terminal.ok("connect", "adm-1001", stdin=f"{tmp_path}\n")
    assert terminal.json("administrations", "list")[0]["company"]["id"] == str(tmp_path)


def test_disconnect_deletes_and_holds(terminal: Terminal, book: Book, connected: str) -> None:
    terminal.ok("disconnect", "adm-1001", stdin="n\n", code=1)
    terminal.ok("disconnect", "adm-1001", "--yes")
    assert book.ask("SELECT count(*) FROM connection") == [(0,)]
    assert book.ask("SELECT DISTINCT state FROM posting") == [("held",)]
    assert "nothing to forget" in terminal.ok("disconnect", "adm-1001")


def test_a_good_administration_checks_out(terminal: Terminal, book: Book, connected: str) -> None:
    book.receive(builders.invoice(number="1"))
    assert findings(terminal, code=0) == {}
    assert "Alles is in orde." in terminal.ok("check", "adm-1001")


def test_check_names_accounts_and_cost_centres_of_waiting_documents(
    terminal: Terminal, book: Book, connected: str
) -> None:
    book.receive(
        builders.invoice(number="1", lines=[builders.line(ledger_account="8999", cost_centre="77")]),
        builders.invoice(number="2", id="2", lines=[builders.line(ledger_account="8998")]),
    )
    terminal.ok(
        "administrations",
        "apply",
        "-",
        stdin='{id: adm-1001, package: snelstart, mapping: {ledger_accounts: {"8998": "8000"}}}',
    )
    wrong = findings(terminal, code=3)
    assert set(wrong) == {"ledger_accounts", "cost_centres"}
    assert "Grootboekrekening 8999 bestaat niet" in wrong["ledger_accounts"]
    assert "Kostenplaats 77" in wrong["cost_centres"]


def test_check_notices_a_missing_go_live_date_and_connection(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration(go_live_date=None))
    wrong = findings(terminal, code=3)
    assert set(wrong) == {"go_live_date", "connection"}
    assert "koppeling connect adm-1001" in wrong["connection"]


def test_check_notices_another_company(terminal: Terminal, book: Book, connected: str) -> None:
    book.ask("""UPDATE lane SET identity = '{"id": "andere", "name": "Pietersen"}'""")
    assert "in plaats van Pietersen" in findings(terminal, code=3)["identity"]


def test_check_tells_when_the_package_does_not_let_us_in(
    terminal: Terminal, book: Book, connected: str, simulator: Simulator
) -> None:
    simulator.ask(
        "POST", "faults", {"kind": "token_revoked", "company": connected, "operation": "token", "count": 9}
    )
    assert "connection" in findings(terminal, code=3)
    simulator.ask("DELETE", "faults")


def test_check_tells_what_cannot_be_in_the_package(terminal: Terminal, book: Book, connected: str) -> None:
    book.receive(builders.invoice(number="1" * 26))
    assert "25 tekens" in findings(terminal, code=3)["documents"]


def test_check_of_a_file_package(terminal: Terminal, book: Book, tmp_path: Path) -> None:
    folder = tmp_path / "king"
    folder.mkdir()
    book.receive(
        builders.administration(package="king"),
        builders.relation(),
        builders.invoice(number="1", lines=[builders.line(ledger_account="8" * 30)]),
    )
    terminal.ok("connect", "adm-1001", stdin=f"{folder}\n")
    assert set(findings(terminal, code=3)) == {"documents"}
    folder.rmdir()
    assert set(findings(terminal, code=3)) == {"documents", "folder"}


def test_check_of_a_mapping_that_an_older_release_stored(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration())
    book.ask("""UPDATE lane SET mapping = '{"kostenplaats": 1}'""")
    assert "no field 'kostenplaats'" in findings(terminal, code=3)["mapping"]
