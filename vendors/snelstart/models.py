"""SnelStart's records, read strictly: what we use of them, under SnelStart's own names.

Facts: the vendor's OpenAPI file "SnelStart B2B-Api v2". Unknown
fields are ignored, because SnelStart adds them; a field that we use and that does not parse makes the
whole answer unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vendors.snelstart.wire import plain

_CENT = Decimal("0.01")
_NO_ID = UUID(int=0)


def _cents(value: Decimal) -> Decimal:
    exact = value.quantize(_CENT)
    if exact != value:
        raise ValueError("more than two decimals")
    return exact


def _local(value: datetime) -> datetime:
    return value.replace(tzinfo=None)


def _null_is_empty(value: object) -> object:
    return plain(value) if isinstance(value, str) else "" if value is None else value


Money = Annotated[Decimal, Field(allow_inf_nan=False, max_digits=15), AfterValidator(_cents)]
LocalTime = Annotated[datetime, AfterValidator(_local)]
Text = Annotated[str, BeforeValidator(_null_is_empty)]

LineVat = Literal["Geen", "Laag", "Hoog", "Overig"]
RelationKind = Literal["Klant", "Leverancier"]
DocumentParent = Literal["Verkoopboekingen", "Inkoopboekingen"]


class Record(BaseModel):
    """Any record of SnelStart."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=None, populate_by_name=True)


class Row(Record):
    """A record of a collection."""

    id: UUID


class Reference(Record):
    """`{"id": "<guid>"}`."""

    id: UUID


class CompanyInfo(Record):
    """`GET /companyInfo`: which administration the koppelsleutel opens."""

    administratie_identifier: UUID = Field(alias="administratieIdentifier")
    administratie_naam: Text = Field("", alias="administratieNaam")
    kvk_nummer: Text = Field("", alias="kvKNummer")
    btw_nummer: Text = Field("", alias="btwNummer")
    huidig_boekjaar: int | None = Field(None, alias="huidigBoekjaar")


class LedgerAccount(Row):
    """A `grootboek`; `btw_soort` lists the line types it allows."""

    nummer: int
    omschrijving: Text = ""
    grootboekfunctie: Text = ""
    btw_soort: tuple[str, ...] | None = Field(None, alias="btwSoort")
    nonactief: bool = False


class VatRate(Record):
    """One dated row of `GET /btwtarieven`; both days included."""

    btw_soort: LineVat = Field(alias="btwSoort")
    btw_percentage: Decimal = Field(alias="btwPercentage", allow_inf_nan=False)
    datum_vanaf: LocalTime = Field(alias="datumVanaf")
    datum_tot_en_met: LocalTime = Field(alias="datumTotEnMet")


class Journal(Record):
    """A `dagboek`; informational, a booking has no journal field."""

    id: UUID
    nummer: int
    omschrijving: Text = ""
    soort: Text = ""
    nonactief: bool = False


class CostCentre(Record):
    """A `kostenplaats`."""

    id: UUID
    nummer: int
    omschrijving: Text = ""
    nonactief: bool = False


class Country(Record):
    """A `land`: Dutch name, two and three letter codes."""

    id: UUID
    naam: Text = ""
    landcode: Text = ""
    landcode_iso: Text = Field("", alias="landcodeISO")


class RelationRecord(Record):
    """A `relatie`: the fields that identify it, and `body` = the whole record as SnelStart wrote it.

    A PUT replaces the whole record, so the body travels along to be overlaid.
    """

    id: UUID
    relatiecode: int | None = None
    relatiesoort: tuple[str, ...] = ()
    naam: Text = ""
    kvk_nummer: Text = Field("", alias="kvkNummer")
    btw_nummer: Text = Field("", alias="btwNummer")
    memo: Text = ""
    nonactief: bool = False
    body: Mapping[str, object] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _keep_body(cls, value: object) -> object:
        return {**value, "body": value} if isinstance(value, Mapping) else value


class _Factuur(Row):
    factuurnummer: Text = ""
    relatie: Reference | None = None
    factuur_bedrag: Money = Field(alias="factuurBedrag")
    openstaand_saldo: Money = Field(alias="openstaandSaldo")
    factuur_datum: LocalTime | None = Field(None, alias="factuurDatum")
    modified_on: LocalTime | None = Field(None, alias="modifiedOn")


class SalesInvoice(_Factuur):
    """A `verkoopfactuur`, which SnelStart makes by itself from a verkoopboeking."""

    verkoop_boeking: Reference | None = Field(None, alias="verkoopBoeking")

    @property
    def booking(self) -> UUID | None:
        """The id of the boeking, as our POST returned it."""
        return _known(self.verkoop_boeking)


class PurchaseInvoice(_Factuur):
    """An `inkoopfactuur`, which SnelStart makes by itself from an inkoopboeking."""

    inkoop_boeking: Reference | None = Field(None, alias="inkoopBoeking")

    @property
    def booking(self) -> UUID | None:
        """The id of the boeking, as our POST returned it."""
        return _known(self.inkoop_boeking)


class Booking(Record):
    """A verkoop- or inkoopboeking, as far as a look-up needs it."""

    id: UUID
    factuurnummer: Text = ""
    factuurbedrag: Money
    klant: Reference | None = None
    leverancier: Reference | None = None


class BookingDocuments(Record):
    """The attachments of a boeking, as references."""

    documents: tuple[Reference, ...] | None = None


class StoredDocument(Record):
    """An attachment; its content, which comes along, is not kept."""

    file_name: Text = Field("", alias="fileName")


class Created(Record):
    """What a POST must at least say."""

    id: UUID


def _known(reference: Reference | None) -> UUID | None:
    return reference.id if reference is not None and reference.id != _NO_ID else None
