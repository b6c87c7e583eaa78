"""Business messages, in Dutch, in English and in words that nobody has seen: what they mean to us."""

from __future__ import annotations

import pytest

from schemas.outcome import Code
from vendors.twinfield.messages import code_of, meaning_of, messages_of, says_absent
from vendors.twinfield.wire import decode

TWO_LINES_WRONG = (
    '<transactions result="0"><transaction destiny="final" msgtype="error" '
    'msg="De boeking is niet in balans. Er ontbreekt 0.01 debet.//De boeking balanceert niet in de '
    'basisvaluta. Er ontbreekt 0.01 debet." result="0"><header><code>VRK</code></header><lines>'
    '<line type="total"><dim1>1300</dim1></line><line type="detail" result="0">'
    '<dim1 msgtype="error" msg="Dimensie 99999 komt niet voor in administratie ENK001" result="0">'
    "99999</dim1>"
    "</line></lines></transaction></transactions>"
)


def transaction(header: str = "", detail: str = "", total: str = "") -> str:
    return (
        f'<transaction result="0"><header>{header}</header><lines><line type="total">{total}</line>'
        f'<line type="detail">{detail}</line></lines></transaction>'
    )


def said(element: str, text: str, kind: str = "error") -> str:
    return f'<{element} msgtype="{kind}" msg="{text}" result="0">x</{element}>'


def test_every_message_is_found_with_its_place() -> None:
    found = messages_of(decode(TWO_LINES_WRONG))
    assert [(one.element, one.line, one.part) for one in found] == [
        ("transaction", None, ""),
        ("transaction", None, ""),
        ("dim1", 1, "detail"),
    ]
    assert found[2].value == "99999"
    assert str(found[2]) == "[regel 2 dim1] Dimensie 99999 komt niet voor in administratie ENK001"


def test_what_does_not_balance_is_the_consequence_of_what_is_not_there() -> None:
    code, told = meaning_of(messages_of(decode(TWO_LINES_WRONG)))
    assert code is Code.NOT_FOUND_LEDGER_ACCOUNT
    assert told is not None
    assert told.line == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("De boeking is niet in balans. Er ontbreekt 0.01 debet.", Code.UNBALANCED),
        ("De boeking kan niet gemaakt worden omdat periode 2020/01 niet bestaat", Code.YEAR_MISSING),
        (
            "Grootboekrekening [4000] vereist de specificatie van een relatie of kostenplaats",
            Code.REQUIRED_FIELD,
        ),
        ("Er mist een BTW code", Code.NOT_FOUND_VAT),
        (
            "BTW Hoog (VH) is van het type Verkoop terwijl het dagboek van het btw-type Inkoop is.",
            Code.VAT_MISMATCH,
        ),
        ("Btw 21 bestaat niet of is (nog) niet actief.", Code.NOT_FOUND_VAT),
        (
            "Configuratiefout in rekening-courant. Er is geen directe ontvangstregel in administratie X",
            Code.MAPPING_MISSING,
        ),
        ("Incorrecte XML - de bestemming is ongeldig.", Code.INTERNAL),
        ("Iets wat niemand ooit heeft gezien.", Code.INTERNAL),
        ("U hebt geen toegang tot deze administratie.", Code.AUTH_REVOKED),
        ("De code voldoet niet aan het formaat 1[0-9][0-9][0-9].", Code.BAD_FORMAT),
        ("Naam moet worden ingevuld", Code.REQUIRED_FIELD),
        ("Begunstigde is ongeldig.", Code.BAD_FORMAT),
    ],
)
def test_words_that_are_known(text: str, code: Code) -> None:
    root = decode(f'<transaction msgtype="error" msg="{text}" result="0"/>')
    assert meaning_of(messages_of(root))[0] is code


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (transaction(header=said("code", "?")), Code.NOT_FOUND_JOURNAL),
        (transaction(header=said("period", "?")), Code.PERIOD_CLOSED),
        (transaction(header=said("date", "?", "warning")), Code.PERIOD_CLOSED),
        (transaction(header=said("invoicenumber", "?", "warning")), Code.DUPLICATE_NUMBER),
        (transaction(header=said("invoicenumber", "?")), Code.BAD_FORMAT),
        (transaction(total=said("dim2", "?")), Code.NOT_FOUND_RELATION),
        (transaction(detail=said("dim1", "?")), Code.NOT_FOUND_LEDGER_ACCOUNT),
        (transaction(detail=said("dim2", "?")), Code.NOT_FOUND_COST_CENTRE),
        (transaction(detail=said("dim3", "?")), Code.NOT_FOUND_PROJECT),
        (transaction(detail=said("vatcode", "?")), Code.NOT_FOUND_VAT),
        (transaction(detail=said("freetext", "?")), Code.INTERNAL),
    ],
)
def test_words_that_are_not_known_mean_what_their_element_means(document: str, code: Code) -> None:
    assert meaning_of(messages_of(decode(document)))[0] is code


def test_a_number_that_is_taken_is_looked_up_only_when_nothing_else_is_wrong() -> None:
    taken = said("invoicenumber", "Factuurnummer 1 komt reeds voor.", "warning")
    alone = messages_of(decode(transaction(header=taken)))
    assert meaning_of(alone)[0] is Code.DUPLICATE_NUMBER
    with_other = messages_of(decode(transaction(header=taken, detail=said("dim1", "?"))))
    assert meaning_of(with_other)[0] is Code.NOT_FOUND_LEDGER_ACCOUNT
    with_unknown = messages_of(decode(transaction(header=taken + said("freetext1", "?"))))
    assert meaning_of(with_unknown)[0] is Code.INTERNAL


def test_information_is_no_message() -> None:
    assert messages_of(decode('<transaction msgtype="informational" msg="Goed zo." result="1"/>')) == ()


@pytest.mark.parametrize("text", ["Dimensie 1000 bestaat niet.", "Dimension 1000 does not exist."])
def test_what_is_absent_is_told_from_what_is_refused(text: str) -> None:
    absent = messages_of(decode(f'<dimension result="0">{said("code", text)}</dimension>'))
    assert says_absent(absent)
    assert not says_absent(())
    denied = messages_of(decode(f'<dimension result="0">{said("office", "Geen toegang.")}</dimension>'))
    assert not says_absent(denied)
    assert code_of(denied[0]) is None
