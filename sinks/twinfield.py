"""One office in Twinfield, to book in. How an invoice becomes a transaction is in `twinfield_booking`.

One call books one invoice, so that each outcome stays single: a batch of Twinfield's is not atomic. That
an invoice number is refused when it is taken is a warning whose reach is not documented, so every document
is looked up before its first send as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from schemas.invoice import Invoice
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
from sinks.twinfield_booking import check, document_number, transaction
from sinks.twinfield_reading import TwinfieldReader, booked_document
from sinks.twinfield_refusal import placed
from sinks.twinfield_relation import fingerprint
from sinks.twinfield_relation_writer import RelationWriter
from sinks.twinfield_settings import TwinfieldApp, TwinfieldCredentials, TwinfieldMapping
from vendors.failure import Refused
from vendors.pacing import Monotonic, Pacer
from vendors.transport import Transport
from vendors.twinfield.auth import TokenSource
from vendors.twinfield.client import TwinfieldClient
from vendors.twinfield.errors import TwinfieldRefused

TRAITS = Traits(
    call_timeout=timedelta(seconds=60),
    settle_time=timedelta(seconds=60),
    guarded=frozenset(),
    attachments=False,
)


class TwinfieldSink:
    """One office in Twinfield."""

    package = Package.TWINFIELD

    def __init__(
        self, client: TwinfieldClient, mapping: TwinfieldMapping, *, traits: Traits = TRAITS
    ) -> None:
        self.traits = traits
        self._client = client
        self._mapping = mapping
        self._relations = RelationWriter(client, mapping)
        self._reader = TwinfieldReader(client, mapping)

    async def probe(self) -> Identity:
        """Which office this is; offers a refused consent once more."""
        self._client.tokens.retry_refused()
        return await self._reader.identity()

    def relation_fingerprint(self, relation: Relation, role: Role) -> bytes:
        """Hash of what would be written."""
        return fingerprint(relation, role, self._mapping)

    async def find_relation(self, relation: Relation, role: Role) -> RelationReference | None:
        """The debtor or creditor that is ENK's."""
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
        """What Twinfield holds under the number; a purchase only of the same creditor."""
        number, _ = document_number(invoice)
        return await self._reader.find(invoice.direction, number, reference.id, invoice.issue_date.year)

    async def book(
        self, invoice: Invoice, relation: Relation, reference: RelationReference
    ) -> PackageDocument:
        """Book one invoice, provisionally unless the mapping says otherwise."""
        document = transaction(invoice, reference.id, self._client.office, self._mapping)
        try:
            booked = await self._client.book(document)
        except TwinfieldRefused as refusal:
            raise placed(refusal, invoice, check(invoice, self._mapping), self._mapping) from None
        return booked_document(document_number(invoice)[0], booked)

    async def attach(self, document: PackageDocument, invoice: Invoice, file: AttachmentFile) -> None:
        """Not offered (`traits.attachments`); raises `Refused`."""
        raise Refused(
            Code.UNSUPPORTED_BY_PACKAGE,
            field="$.attachment",
            problem_nl="de koppeling voegt in Twinfield geen pdf toe",
            problem_en="the coupling does not add PDFs in Twinfield",
        )

    def documents(self, period: Period) -> AsyncIterator[HeldDocument]:
        """Everything with an invoice date in the period."""
        return self._reader.documents(period)

    async def options(self) -> Options:
        """Twinfield's own lists."""
        return await self._reader.options()

    async def close(self) -> None:
        """Nothing to give back: transport and pacer belong to the connection."""


def open_client(
    credentials: TwinfieldCredentials,
    app: TwinfieldApp,
    transport: Transport,
    pacer: Pacer,
    clock: Monotonic,
) -> TwinfieldClient:
    """The client of one office, to be shared by its sink and its source."""
    tokens = TokenSource(
        transport,
        credentials.app(app),
        credentials.refresh_token,
        clock,
        fallback_cluster=credentials.fallback_cluster(app),
    )
    return TwinfieldClient(transport, pacer, tokens, credentials.office)
