"""King: debtors, creditors and invoices as the XML files that King imports.

One cut becomes up to four files, in the order in which King must read them; each is UTF-8 without byte order
mark, has no namespace and no attributes, and holds one administration (King's import chooses which):

    KING_DEBITEUREN       > DEBITEUREN > DEBITEUR+                         debtors
    KING_CREDITEUREN      > CREDITEUREN > CREDITEUR+                       creditors
    KING_DIGITAAL_ARCHIEF > DIGITAAL_ARCHIEF > DIGITAAL_ARCHIEFSTUK+       PDF files (default off)
    KING_JOURNAAL         > BOEKINGSGANGEN > BOEKINGSGANG                  one provisional batch
                            > JOURNAALPOSTEN > JOURNAALPOST+               one invoice
                              > JOURNAALREGELS > JOURNAALREGEL+            debtor or creditor, then amounts
                                > HULPREKENING?                            the VAT of that line

King adds a relation whose NAW_NUMMER is new to it and changes one that it knows. Its report is for people,
and nothing proves that it refuses a number that it already has: what was written once is never written again.

Lengths, types and lists: `king_rules`. What is booked where: `king_journal`, `king_vat`, `king_relation`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from schemas.invoice import Direction, Invoice
from schemas.outcome import Code, Package
from schemas.relation import Relation, Role
from sinks.contract import Cut, FileInvoice, FileRelation, NumberNeed, RenderedFile
from sinks.king_journal import archive_id, post
from sinks.king_post import JournalLine, Post, wrong
from sinks.king_relation import (
    KingAddress,
    KingBankAccount,
    KingRelation,
    check_number,
    king_relation,
    relation_number,
)
from sinks.king_rules import CREDITOR, DEBTOR, POST, InvalidKingFile, balance, check, validate
from sinks.king_settings import FileNaming, KingMapping
from sinks.mapping import AdministrationMapping
from sinks.shortening import fits
from vendors.failure import Refused

__all__ = ["KingMapping", "KingSink"]

EUR = "EUR"
_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_NOT_XML = re.compile("[\ufffe\uffff]")
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9-]+")

Element = etree._Element


class KingSink:
    """Fulfils `sinks.contract.FileSink` for King; keeps nothing, so equal cuts give equal bytes."""

    package = Package.KING

    def relation_code(
        self, relation: Relation, role: Role, mapping: AdministrationMapping
    ) -> str | NumberNeed:
        """NAW_NUMMER, paragraph included, or the need for one."""
        return relation_number(relation, role, _king(mapping))

    def number_needs(self, invoice: Invoice, mapping: AdministrationMapping) -> tuple[NumberNeed, ...]:
        """None: King numbers its own pieces where the invoice number is no JP_STUKNUMMER."""
        return ()

    def check_relation(self, relation: FileRelation, mapping: AdministrationMapping) -> None:
        """Raises `Refused` when King could not read the relation."""
        rule = DEBTOR if relation.role is Role.DEBTOR else CREDITOR
        element = relation_element(king_relation(relation, _king(mapping)), relation.role)
        _as_refusal(lambda: check(element, rule))

    def check_invoice(self, invoice: FileInvoice, mapping: AdministrationMapping) -> None:
        """Raises `Refused` when King could not read the invoice, or it would not balance."""
        king = _king(mapping)
        check_number(invoice.relation_code, "$.relation_id")
        element = post_element(post(invoice, king))
        _as_refusal(lambda: check(element, POST))
        _as_refusal(lambda: balance(element))
        _archive_path(invoice.invoice, king)

    def render(self, cut: Cut, mapping: AdministrationMapping) -> tuple[RenderedFile, ...]:
        """Debtors, creditors, archive, journal; a file that would be empty is not made.

        Raises:
            Refused: a document was not checked before, or a file is not as King's rules want it.
        """
        king = _king(mapping)
        debtors = [_relation(row, king) for row in cut.relations if row.role is Role.DEBTOR]
        creditors = [_relation(row, king) for row in cut.relations if row.role is Role.CREDITOR]
        archived = [_archived(row.invoice, king) for row in cut.invoices if _in_archive(row.invoice, king)]
        posts = [post_element(post(row, king)) for row in cut.invoices]
        batch = node(
            "BOEKINGSGANG",
            leaf("BG_OMSCHRIJVING", f"ENK {cut.cut_at:%Y-%m-%d} bestand {cut.sequence:06d}"),
            leaf("BG_DEFINITIEF", "false"),
            node("JOURNAALPOSTEN", *posts),
        )
        plan = (
            (debtors, king.debtors_file, node("KING_DEBITEUREN", node("DEBITEUREN", *debtors))),
            (creditors, king.creditors_file, node("KING_CREDITEUREN", node("CREDITEUREN", *creditors))),
            (archived, king.archive_file, node("KING_DIGITAAL_ARCHIEF", node("DIGITAAL_ARCHIEF", *archived))),
            (posts, king.journal_file, node("KING_JOURNAAL", node("BOEKINGSGANGEN", batch))),
        )
        return tuple(
            RenderedFile(_file_name(cut, place, name, king), _bytes(root))
            for place, (members, name, root) in enumerate(plan, start=1)
            if members
        )


def post_element(entry: Post) -> Element:
    """JOURNAALPOST: one invoice; King takes the period from its date."""
    lines = (_line_element(entry, number, line) for number, line in enumerate(entry.lines, start=1))
    return node(
        "JOURNAALPOST",
        leaf("JP_DAGBOEKCODE", entry.journal),
        leaf("JP_BOEKDATUM", entry.issue_date.isoformat()),
        leaf("JP_STUKNUMMER", entry.stuknummer),
        leaf("JP_OMSCHRIJVING", entry.description),
        node("JOURNAALREGELS", *lines),
    )


def _line_element(entry: Post, number: int, line: JournalLine) -> Element:
    """JOURNAALREGEL, with its VAT as HULPREKENING; the open item's fields on the relation's line only."""
    item, vat = line.open_item, line.vat
    unapproved = item is not None and not item.approved
    return node(
        "JOURNAALREGEL",
        leaf("JR_VOLGNUMMER", str(number)),
        leaf("JR_REKENINGNUMMER", line.account),
        leaf("JR_BOEKZIJDE", line.booked.side),
        leaf("JR_VALUTACODE", EUR),
        leaf("JR_VALUTABEDRAG", f"{line.booked.amount:.2f}"),
        leaf("JR_OMSCHRIJVING", line.description),
        leaf("JR_FACTUURNUMMER", entry.invoice_number),
        leaf("JR_FACTUURDATUM", entry.issue_date.isoformat() if item or entry.every_line_dated else None),
        leaf("JR_VERVALDATUM", item.due.isoformat() if item else None),
        leaf("JR_BETALINGSKENMERK", item.payment_reference if item else None),
        leaf("JR_ARCHIEFSTUK_EXTERN_ID", entry.archive_id),
        leaf("JR_OPENSTAANDE_POST_GEFIATTEERD", "false" if unapproved else None),
        node(
            "HULPREKENING",
            leaf("HULP_SOORT", "BTW"),
            leaf("HULP_BTWCODE", vat.vat_code),
            leaf("HULP_BOEKZIJDE", vat.booked.side),
            leaf("HULP_VALUTACODE", EUR),
            leaf("HULP_VALUTABEDRAG", f"{vat.booked.amount:.2f}"),
        )
        if vat
        else None,
    )


def relation_element(relation: KingRelation, role: Role) -> Element:
    """DEBITEUR or CREDITEUR; what is left out keeps its value in King."""
    debtor = role is Role.DEBTOR
    contact = node("NAW_CONTACTPERSOON", leaf("CP_NUMMER", "1"), leaf("CP_ACHTERNAAM", relation.contact))
    accounts = [_bank_element(account) for account in relation.accounts]
    return node(
        "DEBITEUR" if debtor else "CREDITEUR",
        leaf("NAW_NUMMER", relation.number),
        leaf("NAW_ZOEKCODE", relation.search_key),
        leaf("NAW_BETALINGSCONDITIE", relation.condition),
        leaf("NAW_VALUTACODE", EUR),
        leaf("NAW_BTWCODE", relation.vat_code),
        leaf("NAW_TAALCODE", relation.language),
        leaf("NAW_BTWNUMMER", relation.vat_identifier),
        leaf("NAW_KVKNUMMER", relation.kvk_number),
        leaf("NAW_WEBSITE", relation.website),
        leaf(
            "NAW_BLOKKEERORDERINVOER" if debtor else "NAW_BLOKKERENVOORBESTELLEN",
            "true" if relation.blocked else None,
        ),
        _address_element("NAW_VESTIGINGADRES", relation.address),
        _address_element("NAW_CORRESPONDENTIEADRES", relation.correspondence),
        node("NAW_CONTACTPERSONEN", contact) if relation.contact else None,
        node("NAW_BANKREKENINGEN", *accounts) if accounts else None,
    )


def _address_element(name: str, address: KingAddress | None) -> Element | None:
    """KING_ADRES: the name lives in the address, over two fields."""
    if address is None:
        return None
    return node(
        name,
        leaf("ADR_NAAM1", address.name[0]),
        leaf("ADR_NAAM2", address.name[1]),
        leaf("ADR_STRAAT", address.street),
        leaf("ADR_HUISNUMMER", address.house_number),
        leaf("ADR_POSTCODE", address.postcode),
        leaf("ADR_WOONPLAATS", address.city),
        leaf("ADR_LAND", address.country),
        leaf("ADR_EMAIL", address.email),
        leaf("ADR_TELEFOON", address.phone),
    )


def _bank_element(account: KingBankAccount) -> Element:
    """NAW_BANKREKENING; King has no mark for a G-rekening, its holder says so."""
    return node(
        "NAW_BANKREKENING",
        leaf("BANK_REKENINGNUMMER", account.iban),
        leaf("BANK_REKENINGHOUDER", account.holder),
        leaf("BANK_BIC", account.bic),
        leaf("BANK_LANDCODE", account.country),
        leaf("BANK_ISDEFAULTREKENING", "true" if account.default else "false"),
        leaf("BANK_ISBINNENLAND", "true" if account.domestic else "false"),
    )


def _archived(invoice: Invoice, mapping: KingMapping) -> Element:
    """DIGITAAL_ARCHIEFSTUK: where King's server finds the PDF; every line of the post names its id."""
    sales = invoice.direction is Direction.SALES
    return node(
        "DIGITAAL_ARCHIEFSTUK",
        leaf("DAR_ARCHIEFSOORT", mapping.archive_kind),
        leaf("DAR_BESTANDSNAAM", _archive_path(invoice, mapping)),
        leaf("DAR_EXTERN_ID", archive_id(invoice)),
        leaf("DAR_DATUM", invoice.issue_date.isoformat()),
        leaf("DAR_NAW_SOORT", "DEBITEUR" if sales else "CREDITEUR"),
        leaf("DAR_VERWERKSOORT", "GEEN"),
    )


def _in_archive(invoice: Invoice, mapping: KingMapping) -> bool:
    return bool(mapping.archive_folder) and invoice.attachment is not None


def _archive_path(invoice: Invoice, mapping: KingMapping) -> str:
    if not mapping.archive_folder or invoice.attachment is None:
        return ""
    path = mapping.archive_folder.rstrip("\\/") + "\\" + invoice.attachment.file_name
    if not fits(path, 255):
        raise wrong(
            Code.TOO_LONG,
            "$.attachment.file_name",
            "King leest een pad tot 255 tekens",
            "King reads a path of up to 255 characters",
        )
    return path


def _relation(document: FileRelation, mapping: KingMapping) -> Element:
    return relation_element(king_relation(document, mapping), document.role)


def node(name: str, *children: Element | None) -> Element:
    """An element with those children that there are."""
    element = etree.Element(name)
    element.extend(child for child in children if child is not None)
    return element


def leaf(name: str, value: str | None) -> Element | None:
    """An element with a value, or nothing at all: King keeps what it has for what is left out."""
    if not value:
        return None
    element = etree.Element(name)
    element.text = _NOT_XML.sub("\ufffd", value)
    return element


def _bytes(root: Element) -> bytes:
    content = _HEAD + etree.tostring(root, encoding="UTF-8", xml_declaration=False, pretty_print=True)
    _as_refusal(lambda: validate(content))
    return content


def _as_refusal(proof: Callable[[], None]) -> None:
    """A file that is not King's is our own mistake: nothing leaves, and support hears which element."""
    try:
        proof()
    except InvalidKingFile as error:
        raise Refused(
            Code.INTERNAL,
            problem_nl=f"het King-bestand klopt niet ({error})",
            problem_en=f"the King file is not right ({error})",
        ) from error


def _file_name(cut: Cut, place: int, name: str, mapping: KingMapping) -> str:
    """The fixed name, or one that no other file of the administration has, in the order of reading."""
    if mapping.file_naming is FileNaming.FIXED:
        return name
    administration = _UNSAFE_IN_NAME.sub("-", cut.administration)[:40]
    return f"king-{administration}-{cut.sequence:06d}-{place}-{name}"


def _king(mapping: AdministrationMapping) -> KingMapping:
    if not isinstance(mapping, KingMapping):
        raise TypeError(f"King is written by a KingMapping, not by a {type(mapping).__name__}")
    return mapping
