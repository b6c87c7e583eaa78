"""SnelStart's B2B API v2, one typed method per call that we use, for one administration.

Facts: the vendor's OpenAPI file "SnelStart B2B-Api v2" and its developer portal (OData, authentication,
error codes). Reads raise `NotSent` or `Refused`; writes raise `NotSent`, `Refused` or `Uncertain`.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pydantic import SecretStr

from schemas.outcome import Code
from vendors import odata
from vendors.failure import Uncertain
from vendors.pacing import Limit, Monotonic, Pacer
from vendors.snelstart.auth import TokenSource
from vendors.snelstart.models import (
    Booking,
    BookingDocuments,
    CompanyInfo,
    CostCentre,
    Country,
    DocumentParent,
    Journal,
    LedgerAccount,
    PurchaseInvoice,
    RelationRecord,
    SalesInvoice,
    StoredDocument,
    VatRate,
)
from vendors.snelstart.session import PAGE, Session
from vendors.snelstart.wire import decode
from vendors.transport import Transport

BASE_URL = "https://b2bapi.snelstart.nl/v2"
AUTH_URL = "https://auth.snelstart.nl/b2b/token"
CONCURRENT = 50
PRODUCTION_LIMITS = (Limit(500, timedelta(minutes=1)), Limit(5_000, timedelta(hours=1)))
"""Per administration, products Maatwerk and Productie; at most `CONCURRENT` calls side by side."""


@dataclass(frozen=True)
class Endpoint:
    """Where the API is, and ENK's own key to it."""

    subscription_key: str
    base_url: str = BASE_URL
    auth_url: str = AUTH_URL


class SnelStartClient:
    """Calls for one administration, which the koppelsleutel selects."""

    def __init__(
        self,
        transport: Transport,
        pacer: Pacer,
        endpoint: Endpoint,
        koppelsleutel: SecretStr,
        clock: Monotonic,
    ) -> None:
        self.tokens = TokenSource(transport, endpoint.auth_url, koppelsleutel, clock)
        self._api = Session(transport, pacer, endpoint.base_url, endpoint.subscription_key, self.tokens)

    # who and what

    async def company_info(self) -> CompanyInfo:
        """Which administration this is (scope `settings:read`)."""
        return await self._api.get("companyInfo", "/companyInfo", CompanyInfo)

    async def ledger_accounts(self) -> list[LedgerAccount]:
        """All `grootboeken`."""
        return [row async for row in self._api.pages("grootboeken", "/grootboeken", LedgerAccount)]

    async def vat_rates(self) -> list[VatRate]:
        """All dated rows of `btwtarieven`."""
        return await self._api.get("btwtarieven", "/btwtarieven", list[VatRate])

    async def journals(self) -> list[Journal]:
        """All `dagboeken`."""
        return await self._api.get("dagboeken", "/dagboeken", list[Journal])

    async def cost_centres(self) -> list[CostCentre]:
        """All `kostenplaatsen`."""
        return await self._api.get("kostenplaatsen", "/kostenplaatsen", list[CostCentre])

    async def countries(self) -> list[Country]:
        """All `landen`."""
        return await self._api.get("landen", "/landen", list[Country])

    async def create_cost_centre(self, nummer: int, omschrijving: str) -> UUID:
        """`POST /kostenplaatsen` (scope `settings:write`)."""
        document = {"nummer": nummer, "omschrijving": omschrijving, "nonactief": False}
        return await self._api.create("kostenplaats maken", "/kostenplaatsen", document)

    # relations

    async def relation(self, relation_id: UUID) -> RelationRecord | None:
        """One active relation; None when SnelStart has no active one with that id."""
        return await self._api.find("relatie", f"/relaties/{relation_id}", RelationRecord)

    async def relations_by_code(self, relatiecode: int) -> list[RelationRecord]:
        """Relations with that code, compared here as well."""
        rows = await self._relations(odata.eq("Relatiecode", relatiecode))
        return [row for row in rows if row.relatiecode == relatiecode]

    async def relations_by_name(self, naam: str) -> list[RelationRecord]:
        """Relations with exactly that name, compared here as well."""
        rows = await self._relations(odata.eq("Naam", naam))
        return [row for row in rows if row.naam.strip() == naam.strip()]

    async def create_relation(self, document: Mapping[str, object]) -> RelationRecord:
        """`POST /relaties`; the answer carries id and code."""
        answer = await self._api.write("relatie maken", "POST", "/relaties", document)
        try:
            return RelationRecord.model_validate(decode(answer.body))
        except ValueError as failure:
            raise Uncertain(Code.TIMEOUT_UNCERTAIN, "relatie maken: antwoord zonder id") from failure

    async def update_relation(self, relation_id: UUID, document: Mapping[str, object]) -> None:
        """`PUT /relaties/{id}`: replaces the whole record."""
        await self._api.write("relatie wijzigen", "PUT", f"/relaties/{relation_id}", document)

    # bookings

    async def create_sales_booking(self, document: Mapping[str, object]) -> UUID:
        """`POST /verkoopboekingen`: books at once and for good; the id of the boeking."""
        return await self._api.create("verkoopboeking maken", "/verkoopboekingen", document)

    async def create_purchase_booking(self, document: Mapping[str, object]) -> UUID:
        """`POST /inkoopboekingen`: books at once and for good; the id of the boeking."""
        return await self._api.create("inkoopboeking maken", "/inkoopboekingen", document)

    async def sales_booking(self, booking_id: UUID, *, background: bool = False) -> Booking | None:
        """One verkoopboeking; None when it does not exist."""
        path = f"/verkoopboekingen/{booking_id}"
        return await self._api.find("verkoopboeking", path, Booking, background=background)

    async def sales_bookings_of(self, relation_id: UUID) -> list[Booking]:
        """Every verkoopboeking of one relation."""
        path = f"/relaties/{relation_id}/verkoopboekingen"
        return await self._api.get("verkoopboekingen", path, list[Booking])

    async def purchase_bookings_of(self, relation_id: UUID) -> list[Booking]:
        """Every inkoopboeking of one relation."""
        path = f"/relaties/{relation_id}/inkoopboekingen"
        return await self._api.get("inkoopboekingen", path, list[Booking])

    def sales_invoices(self, filter_: str | None, *, background: bool = False) -> AsyncIterator[SalesInvoice]:
        """`GET /verkoopfacturen`, page after page (scope `orders:read`)."""
        path = "/verkoopfacturen"
        return self._api.pages("verkoopfacturen", path, SalesInvoice, filter_, background=background)

    def purchase_invoices(
        self, filter_: str | None, *, background: bool = False
    ) -> AsyncIterator[PurchaseInvoice]:
        """`GET /inkoopfacturen`, page after page (scope `orders:read`)."""
        path = "/inkoopfacturen"
        return self._api.pages("inkoopfacturen", path, PurchaseInvoice, filter_, background=background)

    # attachments

    async def attachments_of(self, parent: DocumentParent, booking_id: UUID) -> Sequence[UUID]:
        """Ids of the documents that a boeking carries; it does not say their names."""
        path = f"/{parent.lower()}/{booking_id}"
        held = await self._api.get(parent.lower(), path, BookingDocuments)
        return [document.id for document in held.documents or ()]

    async def attachment_name(self, document_id: UUID) -> str | None:
        """The file name of a document; None when it is gone (scope `documenten:read`)."""
        found = await self._api.find("document", f"/documenten/{document_id}", StoredDocument)
        return found.file_name if found else None

    async def add_attachment(
        self, parent: DocumentParent, booking_id: UUID, file_name: str, content: bytes
    ) -> None:
        """`POST /documenten/{parent}`; the same file twice is two documents (scope `documenten:write`)."""
        document = {
            "parentIdentifier": str(booking_id),
            "fileName": file_name,
            "content": base64.b64encode(content).decode(),
            "readOnly": False,
        }
        await self._api.write("document toevoegen", "POST", f"/documenten/{parent}", document)

    async def _relations(self, filter_: str) -> list[RelationRecord]:
        query = {"$filter": filter_, "$top": str(PAGE)}
        return await self._api.get("relaties", "/relaties", list[RelationRecord], query)
