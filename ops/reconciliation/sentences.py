"""What is said of a difference, in Dutch and English, with who does something about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from ledger.reconciliation_rows import DifferenceKind, Said
from schemas.outcome import Outcome, WhoActs

WHO_ACTS = {
    DifferenceKind.DOUBLE: WhoActs.BOOKKEEPER,
    DifferenceKind.MISSING: WhoActs.BOOKKEEPER,
    DifferenceKind.AMOUNT: WhoActs.BOOKKEEPER,
    DifferenceKind.RELATION: WhoActs.BOOKKEEPER,
    DifferenceKind.NUMBER: WhoActs.BOOKKEEPER,
    DifferenceKind.REPLACED: WhoActs.SUPPORT,
    DifferenceKind.UNLINKED: WhoActs.SUPPORT,
    DifferenceKind.UNCONFIRMED: WhoActs.BOOKKEEPER,
}
"""Whoever can mend a difference; of what is open the posting itself says it."""


def euro(amount: Decimal | None, *, nl: bool = False) -> str:
    """An amount as it is written in a sentence."""
    text = "?" if amount is None else f"{amount:.2f}"
    return text.replace(".", ",") if nl else text


def double(ids: Sequence[str], *, exact: bool, linked: str | None) -> Said:
    """Booked more than once; `linked` is the booking that our posting is linked to."""
    listed = ", ".join(ids)
    what_nl = (
        "met dezelfde relatie en hetzelfde bedrag" if exact else "met verschillende bedragen of relaties"
    )
    what_en = "with the same relation and amount" if exact else "with different amounts or relations"
    if linked is None:
        do_nl = "Geen ervan is door ENK geboekt. Verwijder wat dubbel is."
        do_en = "None of them was booked by ENK. Remove what is double."
    else:
        do_nl = f"Verwijder wat dubbel is, maar niet {linked}: die is aan ENK gekoppeld."
        do_en = f"Remove what is double, but not {linked}: that one is linked to ENK."
    return Said(
        f"Staat {len(ids)} keer in de boekhouding {what_nl}: {listed}. {do_nl}",
        f"Is in the books {len(ids)} times {what_en}: {listed}. {do_en}",
    )


def missing(package_id: str | None) -> Said:
    """Booked by us, and not there any more."""
    name = package_id or "?"
    return Said(
        f"Is geboekt ({name}) en staat niet meer in het pakket. Boek het opnieuw of crediteer het in ENK.",
        f"Was booked ({name}) and is not in the package any more. Book it again, or credit it in ENK.",
    )


def not_filed() -> Said:
    """The ledger says that it is in a file, and no file has it."""
    return Said(
        "Staat als aangeleverd te boek, maar zit in geen enkel bestand.",
        "Counts as delivered, and is in no file.",
    )


def amount(ours: Decimal | None, theirs: Decimal) -> Said:
    """Other gross."""
    return Said(
        f"ENK heeft {euro(ours, nl=True)}, het pakket {euro(theirs, nl=True)}.",
        f"ENK has {euro(ours)}, the package {euro(theirs)}.",
    )


def relation(theirs: str | None) -> Said:
    """Other relation."""
    return Said(
        f"Staat in het pakket op een andere relatie ({theirs or '?'}).",
        f"Is on another relation in the package ({theirs or '?'}).",
    )


def number(theirs: str) -> Said:
    """Other number."""
    return Said(
        f"Heeft in het pakket een ander nummer: {theirs}.", f"Has another number in the package: {theirs}."
    )


def replaced(ours: str, theirs: str | None) -> Said:
    """Booked by us, removed, and booked again by somebody."""
    return Said(
        f"Onze boeking {ours} is weg; onder dit nummer staat nu {theirs or '?'}. "
        "Teruglezen volgt de oude boeking.",
        f"Our booking {ours} is gone; {theirs or '?'} has its number now. Readback follows the old one.",
    )


def unlinked(posting: str, package_number: str, package_id: str | None) -> Said:
    """Not booked by us, and there all the same; rejected input (`R…`) has nothing that could be linked."""
    if posting.startswith("R"):
        nl, en = "Sluit af", "Close it"
        do = f"`koppeling postings discard {posting} --reason …`"
    else:
        nl, en = "Koppel", "Link it"
        which = f" --package-id {package_id}" if package_id else ""
        do = f"`koppeling postings resolve {posting} --booked-as {package_number}{which}`"
    return Said(
        f"Niet door ons geboekt, maar staat met dit nummer in het pakket (met de hand?). {nl}: {do}.",
        f"Not booked by us, yet in the package under this number (by hand?). {en}: {do}.",
    )


def unlinked_otherwise() -> Said:
    """Not booked by us, something else has the number."""
    return Said(
        "Niet door ons geboekt; in het pakket staat iets anders onder dit nummer.",
        "Not booked by us; the package has something else under this number.",
    )


def pending(state: str, nl: str | None, en: str | None) -> Said:
    """Not booked yet."""
    why_nl, why_en = _WHY.get(state, (f"Nog niet geboekt ({state}).", f"Not booked yet ({state})."))
    return Said(nl or why_nl, en or why_en)


_WHY: dict[str, tuple[str, str]] = {
    Outcome.RECEIVED: ("Is aan de beurt of komt nog aan de beurt.", "Its turn is now, or comes."),
    Outcome.POSTING: (
        "Wordt geboekt, of wacht op het volgende bestand.",
        "Is being booked, or awaits a file.",
    ),
    Outcome.UNCERTAIN: ("Wordt opgezocht in het pakket.", "Is being looked up in the package."),
}


def unconfirmed(documents: int, days: int | None) -> Said:
    """A file of which nobody said whether the package took it; `days` since it was delivered, if it was."""
    if days is None:
        return Said(
            f"{documents} documenten zitten in een bestand dat niet is afgeleverd.",
            f"{documents} documents are in a file that was not delivered.",
        )
    return Said(
        f"{documents} documenten zijn {days} dagen geleden afgeleverd en nog niet bevestigd of teruggehaald.",
        f"{documents} documents were delivered {days} days ago and are neither confirmed nor released.",
    )


def moved(day: date | None) -> Said:
    """In the package, dated outside the month."""
    when_nl = "buiten deze maand" if day is None else f"op {day:%d-%m-%Y}"
    when_en = "outside this month" if day is None else f"on {day.isoformat()}"
    return Said(f"Is in het pakket {when_nl} gedateerd.", f"Is dated {when_en} in the package.")


def foreign(document_id: str | None) -> Said:
    """In the package, not booked by us."""
    if document_id is not None:
        return Said(
            f"Met de hand ingevoerd; ENK's document {document_id} is beëindigd zonder boeking.",
            f"Typed in by hand; ENK's document {document_id} ended without being booked.",
        )
    return Said("Met de hand ingevoerd, of van elders.", "Typed in by hand, or from elsewhere.")
