"""`koppeling administrations`: mapping from YAML, listing, holding and releasing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.mapping_files import MappingChange, MappingFileError, differences, read_file
from tests.ops.commands.conftest import Book, Terminal
from tests.schemas import builders

GOOD = """
- id: adm-1001
  package: snelstart
  mapping:
    go_live_date: 2026-02-01
    ledger_accounts: {"8999": "8000"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "administrations.yaml"
    path.write_text(GOOD)
    return path


def mapping(book: Book) -> object:
    rows = book.ask("SELECT mapping FROM lane WHERE administration_id = 'adm-1001'")
    return rows[0][0] if rows else None


def test_dry_run_shows_the_difference_and_changes_nothing(terminal: Terminal, book: Book, file: Path) -> None:
    book.receive(builders.administration())
    shown = " ".join(terminal.ok("administrations", "apply", str(file), "--dry-run").split())
    assert "ledger_accounts.8999 (default) 8000" in shown
    assert mapping(book) == {}
    assert book.audited() == []


def test_applying_twice_changes_once(terminal: Terminal, book: Book, file: Path) -> None:
    book.receive(builders.administration())
    assert "1 changed" in terminal.ok("administrations", "apply", str(file))
    assert mapping(book) == {"go_live_date": "2026-02-01", "ledger_accounts": {"8999": "8000"}}
    assert "Nothing to change" in terminal.ok("administrations", "apply", str(file))
    assert book.audited() == [("administrations.apply", "adm-1001@snelstart")]


def test_what_the_file_leaves_out_has_its_default_again(terminal: Terminal, book: Book, file: Path) -> None:
    book.receive(builders.administration())
    terminal.ok("administrations", "apply", str(file))
    terminal.ok("administrations", "apply", "-", stdin="id: adm-1001\npackage: snelstart\n")
    assert mapping(book) == {}


def test_it_may_come_before_enk_does(terminal: Terminal, book: Book, file: Path) -> None:
    assert "is new in snelstart" in terminal.said("administrations", "apply", str(file), code=0)
    assert mapping(book) is not None


def test_a_wrong_file_changes_nothing_and_names_the_fields(terminal: Terminal, book: Book) -> None:
    said = terminal.said(
        "administrations",
        "apply",
        "-",
        stdin=GOOD + "- {id: b, package: king, mapping: {jurnals: {}, number_width: 99}}\n",
    )
    assert "no field 'jurnals'. Did you mean 'journals'?" in said
    assert "b: number_width: input should be less than or equal to 10, not 99." in said
    assert mapping(book) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is not YAML"),
        ("3", "must hold an administration"),
        ("[]", "must hold an administration"),
        ("- 3", "must have an id, a package and a mapping"),
        ("- {package: king}", "id is missing"),
        ("- {id: a}", "package is missing"),
        ("- {id: a, package: kng}", "package 'kng' is none of"),
        ("- {id: a, package: afas}", "AFAS is not built yet"),
        ("- {id: a, package: king, maping: {}}", "Did you mean 'mapping'?"),
        ("- {id: a, package: king, mapping: 3}", "must be a list of names and values"),
        ("- {id: a, package: king}\n- {id: a, package: king}", "in the file 2 times"),
    ],
)
def test_every_mistake_in_a_file_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(MappingFileError) as caught:
        read_file(text)
    assert any(sentence in one for one in caught.value.sentences), caught.value.sentences


def test_differences_are_by_path() -> None:
    old = {"a": 1, "b": {"x": "1", "y": "2"}, "c": {}}
    new = {"b": {"x": "1", "y": "3"}, "c": {}, "d": None}
    assert differences(old, new) == [
        MappingChange("a", 1, None),
        MappingChange("b.y", "2", "3"),
        MappingChange("d", None, None),
    ]


def test_a_new_mapping_says_what_can_be_sent_again(terminal: Terminal, book: Book, file: Path) -> None:
    book.receive(builders.administration(), builders.relation(), builders.invoice(number="1"))
    book.mark("1", "rejected", code="not_found_ledger_account")
    said = terminal.said("administrations", "apply", str(file), code=0)
    assert "koppeling postings retry -a adm-1001 --state rejected" in said


def test_hold_and_release(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration(), builders.relation())
    terminal.said("administrations", "hold", "adm-1001", "--reason", "", code=2)
    terminal.ok("administrations", "hold", "adm-1001", "--reason", "jaarafsluiting")
    listed = terminal.json("administrations", "list", "--held")
    assert listed[0]["held"]["code"] == "held_by_operator"
    assert "jaarafsluiting" in listed[0]["held"]["message"]
    assert book.ask("SELECT DISTINCT state, code FROM posting") == [("held", "held_by_operator")]
    terminal.ok("administrations", "release", "adm-1001")
    assert terminal.json("administrations", "list", "--held") == []
    assert "nothing to release" in terminal.ok("administrations", "release", "adm-1001")
    assert book.audited() == [
        ("administrations.hold", "adm-1001@snelstart"),
        ("administrations.release", "adm-1001@snelstart"),
    ]


def test_release_of_a_package_lets_it_be_sent_to_again(terminal: Terminal, book: Book) -> None:
    book.receive(builders.administration(), builders.relation())
    book.ask("INSERT INTO package_breaker (package, code, message) VALUES ('snelstart', 'internal', 'oei')")
    book.ask("UPDATE posting SET state = 'held', scope = 'package', code = 'internal'")
    terminal.ok("administrations", "release", "--package", "snelstart")
    assert book.ask("SELECT count(*) FROM package_breaker") == [(0,)]
    assert book.ask("SELECT state FROM posting") == [("received",)]
    assert "nothing to release" in terminal.ok("administrations", "release", "--package", "snelstart")
    terminal.said("administrations", "release", code=2)


def test_show_lists_the_whole_mapping_with_defaults(terminal: Terminal, book: Book, file: Path) -> None:
    book.receive(builders.administration())
    terminal.ok("administrations", "apply", str(file))
    shown = terminal.ok("administrations", "show", "adm-1001")
    assert "markering_verlegd" in shown
    assert "not connected" in shown
    assert terminal.json("administrations", "show", "adm-1001")[0]["mapping"]["go_live_date"] == "2026-02-01"


def test_an_unknown_administration_is_a_sentence(terminal: Terminal, book: Book) -> None:
    assert "is not known" in terminal.said("administrations", "show", "adm-7")
    assert "is not known yet" in terminal.said("administrations", "hold", "adm-7", "--reason", "x")
    assert "is not known in king" in terminal.said(
        "administrations", "hold", "adm-7", "--reason", "x", "-p", "king"
    )
