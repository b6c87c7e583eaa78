"""ENK's invoices and relations in SnelStart: which field becomes which, and what is done with it.

    ENK invoice                        SnelStart verkoopboeking / inkoopboeking
    number / supplier_invoice_number   factuurnummer (≤ 25, never shortened)
    issue_date                         factuurdatum (decides period and year)
    due_date − issue_date              betalingstermijn (sales; a purchase follows the supplier's term)
    relation_id                        klant.id / leverancier.id
    id                                 boekstuk (≤ 25, else left out)
    number, werk, credit, reference,
      g_account, description           omschrijving (≤ 250, shortened)
    lines[]                            boekingsregels[] (lines of 0.00 are left out)
      .description                       .omschrijving (≤ 250, shortened)
      .ledger_account (mapped)           .grootboek.id
      .cost_centre (as mapped)           .kostenplaats.id
      .net_amount                        .bedrag
      .vat                               .btwSoort (`sinks.snelstart_vat`)
    vat_breakdown[]                    btw[] (`sinks.snelstart_vat`)
    totals.gross                       factuurbedrag

Relations are in `sinks.snelstart_relation`. Facts: the vendor's OpenAPI file "SnelStart B2B-Api v2".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from schemas.invoice import Direction, Invoice, InvoiceLine, VatKind
from schemas.outcome import Code, Package
from schemas.posting import PackageDocument
from schemas.relation import Relation, Role
from sinks.contract import (
    AttachmentFile,
    FoundInvoice,
    HeldDocument,
    Identity,
    Options,
    Period,
    RelationReference,
    Traits,
    WrittenRelation,
)
from sinks.shortening import fits, shorten
from sinks.snelstart_attachment import add_attachment
from sinks.snelstart_cost_centre import cost_centre_number, create_cost_centre
from sinks.snelstart_reading import SnelStartReader
from sinks.snelstart_reference import Books, ReferenceData
from sinks.snelstart_refusal import document_number, placed
from sinks.snelstart_relation import fingerprint
from sinks.snelstart_relation_writer import RelationWriter
from sinks.snelstart_settings import SnelStartApp, SnelStartCredentials, SnelStartMapping
from sinks.snelstart_vat import MUST_SAY, check_mix, is_foreign_purchase, line_account, line_soort, vat_rows
from vendors.failure import Refused
from vendors.pacing import Monotonic, Pacer
from vendors.snelstart.client import SnelStartClient
from vendors.snelstart.errors import SnelStartRefused
from vendors.transport import Transport

__all__ = [
    "SnelStartApp",
    "SnelStartCredentials",
    "SnelStartMapping",
    "SnelStartSink",
    "open_client",
]

LONGEST_NUMBER = 25
LONGEST_TEXT = 250
TRAITS = Traits(
    call_timeout=timedelta(seconds=30),
    settle_time=timedelta(seconds=60),
    guarded=frozenset({Direction.SALES}),
    attachments=True,
)


def check(invoice: Invoice, mapping: SnelStartMapping) -> None:
    """Everything that can be known without SnelStart's own lists. Pure.

    Raises:
        Refused: with the code and the field to blame.
    """
    number, path = document_number(invoice)
    if not number:
        raise Refused(Code.REQUIRED_FIELD, field=path)
    if not fits(number, LONGEST_NUMBER):
        raise Refused(
            Code.TOO_LONG,
            field=path,
            problem_nl=f"SnelStart staat {LONGEST_NUMBER} tekens toe",
            problem_en=f"SnelStart allows {LONGEST_NUMBER} characters",
        )
    if not any(line.net_amount for line in invoice.lines):
        raise Refused(
            Code.UNSUPPORTED_BY_PACKAGE,
            field="$.lines",
            problem_nl="SnelStart boekt geen factuur waarvan alle regels nul zijn",
            problem_en="SnelStart does not book an invoice of which all lines are zero",
        )
    check_mix(invoice)
    for index, line in enumerate(invoice.lines):
        if line.net_amount:
            cost_centre_number(invoice, line, mapping, f"$.lines[{index}]")
    net = sum((line.net_amount for line in invoice.lines), Decimal(0))
    vat = sum((row.tax_amount for row in invoice.vat_breakdown), Decimal(0))
    _check_balance(invoice, net + vat)


def booking(invoice: Invoice, relation_id: str, books: Books, mapping: SnelStartMapping) -> dict[str, object]:
    """The verkoopboeking or inkoopboeking of an invoice. Pure.

    Raises:
        Refused: something that the invoice names does not exist in SnelStart, or does not suit its VAT.
    """
    number, _ = document_number(invoice)
    rows = vat_rows(invoice, books, mapping.inkopen_verlegd)
    lines = [
        booking_line(invoice, line, f"$.lines[{index}]", books, mapping)
        for index, line in enumerate(invoice.lines)
        if line.net_amount
    ]
    net = sum((line.net_amount for line in invoice.lines), Decimal(0))
    _check_balance(invoice, net + sum((row.amount for row in rows if row.in_total), Decimal(0)))
    document: dict[str, object] = {
        "factuurnummer": number,
        "factuurdatum": f"{invoice.issue_date.isoformat()}T00:00:00",
        "omschrijving": description(invoice),
        "factuurbedrag": _cents(invoice.totals.gross),
        "boekingsregels": lines,
        "btw": [{"btwSoort": row.soort, "btwBedrag": _cents(row.amount)} for row in rows],
    }
    if fits(invoice.id, LONGEST_NUMBER):
        document["boekstuk"] = invoice.id
    if invoice.direction is Direction.SALES:
        term = (invoice.due_date - invoice.issue_date).days
        return document | {"klant": {"id": relation_id}, "betalingstermijn": term}
    document["leverancier"] = {"id": relation_id}
    if mapping.markering_verlegd and any(_is_assessed(line) for line in invoice.lines):
        document["markering"] = True
    return document


def booking_line(
    invoice: Invoice, line: InvoiceLine, field: str, books: Books, mapping: SnelStartMapping
) -> dict[str, object]:
    """One boekingsregel, net of VAT. Pure."""
    account = line_account(invoice, line, books, mapping, field)
    soort = line_soort(
        invoice, line, account, books, field, cost_allowed=mapping.inkopen_buitenland_op_kosten
    )
    number = cost_centre_number(invoice, line, mapping, field)
    centre = None if number is None else books.cost_centre(number, f"{field}.cost_centre")
    written: dict[str, object] = {
        "omschrijving": shorten(line.description, LONGEST_TEXT) or description(invoice),
        "grootboek": {"id": account.id},
        "kostenplaats": None if centre is None else {"id": centre.id},
        "bedrag": _cents(line.net_amount),
    }
    if soort is None and account.grootboekfunctie in MUST_SAY:
        soort = "Geen"
    return written if soort is None else written | {"btwSoort": soort}


def description(invoice: Invoice) -> str:
    """The `omschrijving` of the booking: what identifies it first, since the tail is what is shortened."""
    parts = [document_number(invoice)[0]]
    if invoice.direction is Direction.PURCHASE:
        parts.append(f"ENK {invoice.number}")
    if invoice.werk:
        parts.append(f"werk {invoice.werk.number}")
    if invoice.credits_invoice_number:
        parts.append(f"creditnota bij {invoice.credits_invoice_number}")
    if invoice.payment_reference:
        parts.append(f"kenmerk {invoice.payment_reference}")
    if invoice.g_account:
        parts.append(f"G-rek € {invoice.g_account.amount:.2f}".replace(".", ","))
    parts.append(invoice.description)
    return shorten(" ".join(parts), LONGEST_TEXT)


def _is_assessed(line: InvoiceLine) -> bool:
    return line.vat.kind is VatKind.VERLEGD or is_foreign_purchase(line)


def _check_balance(invoice: Invoice, total: Decimal) -> None:
    if total != invoice.totals.gross:
        raise Refused(
            Code.UNBALANCED,
            field="$.totals.gross",
            problem_nl=f"regels en btw zijn samen {total:.2f}, het totaal is {invoice.totals.gross:.2f}",
            problem_en=f"lines and VAT are {total:.2f}, the total is {invoice.totals.gross:.2f}",
        )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


class SnelStartSink:
    """One administration in SnelStart, to book in."""

    package = Package.SNELSTART

    def __init__(
        self, client: SnelStartClient, mapping: SnelStartMapping, clock: Monotonic, *, traits: Traits = TRAITS
    ) -> None:
        self.traits = traits
        self._client = client
        self._mapping = mapping
        self._reference = ReferenceData(client, clock)
        self._relations = RelationWriter(client, mapping, self._reference)
        self._reader = SnelStartReader(client)

    async def probe(self) -> Identity:
        """Which administration the koppelsleutel opens; offers a refused koppelsleutel once more."""
        self._client.tokens.retry_refused()
        return await self._reader.identity()

    def relation_fingerprint(self, relation: Relation, role: Role) -> bytes:
        """Hash of what would be written."""
        return fingerprint(relation, role)

    async def find_relation(self, relation: Relation, role: Role) -> RelationReference | None:
        """The relation that is ENK's, in that role."""
        return await self._relations.find(relation, role)

    async def upsert_relation(
        self, relation: Relation, role: Role, known: RelationReference | None
    ) -> WrittenRelation:
        """Create or update."""
        return await self._relations.upsert(relation, role, known)

    def check_invoice(self, invoice: Invoice, relation: Relation) -> None:
        """What can be known without a call; raises `Refused`."""
        check(invoice, self._mapping)

    async def find_invoice(self, invoice: Invoice, reference: RelationReference) -> Sequence[FoundInvoice]:
        """What SnelStart holds under the number; a purchase only of the same creditor."""
        number, _ = document_number(invoice)
        return await self._reader.find(invoice.direction, number, UUID(reference.id))

    async def book(
        self, invoice: Invoice, relation: Relation, reference: RelationReference
    ) -> PackageDocument:
        """Book one invoice: at once and for good, SnelStart has no drafts."""
        check(invoice, self._mapping)
        document = await self._document(invoice, reference)
        try:
            if invoice.direction is Direction.SALES:
                booked = await self._client.create_sales_booking(document)
            else:
                booked = await self._client.create_purchase_booking(document)
        except SnelStartRefused as refusal:
            raise placed(refusal, invoice, self._mapping) from None
        return PackageDocument(number=document_number(invoice)[0], id=str(booked))

    async def attach(self, document: PackageDocument, invoice: Invoice, file: AttachmentFile) -> None:
        """Add the PDF to the boeking."""
        await add_attachment(self._client, document, invoice.direction, file)

    def documents(self, period: Period) -> AsyncIterator[HeldDocument]:
        """Everything with an invoice date in the period."""
        return self._reader.documents(period)

    async def options(self) -> Options:
        """SnelStart's own lists."""
        return await self._reader.options()

    async def close(self) -> None:
        """Nothing to give back: transport and pacer belong to the connection."""

    async def _document(self, invoice: Invoice, reference: RelationReference) -> dict[str, object]:
        def build(books: Books) -> dict[str, object]:
            return booking(invoice, reference.id, books, self._mapping)

        while True:
            try:
                return await self._reference.resolve(build)
            except Refused as refusal:
                missing = refusal.values.get("cost_centre")
                if not self._mapping.kostenplaatsen_aanmaken or not isinstance(missing, int):
                    raise
                await create_cost_centre(self._client, missing, refusal)
                self._reference.forget()


def open_client(
    credentials: SnelStartCredentials,
    app: SnelStartApp,
    transport: Transport,
    pacer: Pacer,
    clock: Monotonic,
) -> SnelStartClient:
    """The client of one administration, to be shared by its sink and its source."""
    return SnelStartClient(transport, pacer, credentials.endpoint(app), credentials.koppelsleutel, clock)
