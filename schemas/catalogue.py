"""ENK's table of couplings, word for word, and what our connector makes of each row."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.outcome import Package

DIRECT = "Rechtstreeks"
FILE = "Bestand"
READBACK = "wel mogelijk"
NO_READBACK = "niet mogelijk"
NONE = "n.v.t."


@dataclass(frozen=True)
class CatalogueRow:
    """One package.

    Attributes:
        package: our id of it.
        boekhoudpakket: ENK's column "Boekhoudpakket".
        type_koppeling: ENK's column "Type koppeling".
        teruglezen: ENK's column "Teruglezen verkoopfacturen in ENK".
        extra_module: ENK's column "Extra module nodig".
        does: what our connector does.
        interface: through which interface.
        verified: how well that interface's wire format is known.
        built: whether this release has the connector.
    """

    package: Package
    boekhoudpakket: str
    type_koppeling: str
    teruglezen: str
    extra_module: str
    does: str
    interface: str
    verified: str
    built: bool = False

    @property
    def is_direct(self) -> bool:
        """Booked directly; otherwise by a file that the bookkeeper imports."""
        return self.type_koppeling == DIRECT

    @property
    def has_readback(self) -> bool:
        """Payments of sales invoices come back."""
        return self.teruglezen == READBACK


_DIRECT_DOES = "Writes debtors and creditors, books sales and purchase invoices, reads back what was paid."
_FILE_DOES = "Writes debtors, creditors, sales and purchase invoices to a file that the bookkeeper imports."

CATALOGUE: tuple[CatalogueRow, ...] = (
    CatalogueRow(
        Package.SNELSTART,
        "Snelstart",
        DIRECT,
        READBACK,
        "Gateway module",
        _DIRECT_DOES,
        "SnelStart B2B API v2 (REST, OData v3). The Gateway module is the older Windows interface; "
        "instead of it "
        "the customer needs an online administration with a subscription that may link (inZicht or "
        "inControle).",
        "Well: the vendor's OpenAPI file, portal pages with the full error list, its .NET client and "
        "records of "
        "calls on a live administration. Unproven: the amount of reverse-charged VAT on purchases, "
        "one relation "
        "in two roles, whether a payment moves modifiedOn. Not yet run against a live administration.",
        built=True,
    ),
    CatalogueRow(
        Package.EXACT_ONLINE,
        "Exact Online",
        DIRECT,
        READBACK,
        NONE,
        _DIRECT_DOES,
        "Exact Online REST API v1 (OData), sales and purchase entries, payment terms for readback.",
        "Well: vendor documentation, the vendor's code and several working clients. No live call was made.",
    ),
    CatalogueRow(
        Package.TWINFIELD,
        "Twinfield",
        DIRECT,
        READBACK,
        NONE,
        _DIRECT_DOES,
        "Twinfield SOAP web services (processxml, finder, browse) with OAuth 2.",
        "Well: WSDL, vendor documents and real fixtures in both directions. Less sure: "
        "reverse-charge VAT codes "
        "per office and the scope of the duplicate check.",
    ),
    CatalogueRow(
        Package.ACCOUNTVIEW_OFFLINE,
        "Accountview Offline",
        DIRECT,
        READBACK,
        "COM koppeling",
        _DIRECT_DOES,
        "The AccountView web API, which reaches an AccountView on the customer's own computer "
        "through the vendor's "
        "service; the COM object model behind ENK's row is public for its first steps only.",
        "Partly: tables and fields exactly (the vendor's data dictionary), the web API by several "
        "working clients; "
        "of the COM interface hardly anything.",
    ),
    CatalogueRow(
        Package.MULTIVERS_OFFLINE,
        "Multivers Offline",
        DIRECT,
        READBACK,
        "Business connector",
        _DIRECT_DOES,
        "The Multivers WebAPI installed at the customer, through our relay; the Business Connector "
        "has no public "
        "interface description.",
        "Partly: the same interface as Multivers Online, seen on premises by a few sources; of the "
        "Business "
        "Connector nothing.",
    ),
    CatalogueRow(
        Package.MULTIVERS_ONLINE,
        "Multivers Online",
        DIRECT,
        READBACK,
        NONE,
        _DIRECT_DOES,
        "Multivers WebAPI (REST, OAuth 2).",
        "Partly: entities and fields from the vendor's schema, OAuth from several clients. Signs of "
        "credit notes "
        "and VAT lines, limits and duplicate behaviour are unknown.",
    ),
    CatalogueRow(
        Package.MUIS,
        "Muis Software",
        FILE,
        NO_READBACK,
        NONE,
        _FILE_DOES,
        "A configurable CSV (or XML) file in the field names of iMUIS.",
        "Weakly: field names, lengths and signs are the vendor's; that the file import takes them is "
        "unproven, no "
        "layout of it is public.",
    ),
    CatalogueRow(
        Package.KING,
        "King",
        FILE,
        NO_READBACK,
        NONE,
        _FILE_DOES,
        "King's XML import (debtors, creditors, journal entries as a provisional batch); the licence "
        "needs the "
        "XML/ASCII options for journal entries and for names and addresses.",
        "Well: the vendor's XML schemas. Less sure: how King treats duplicates, partial failures and "
        "reverse-charged "
        "purchases. Not yet imported in a live King.",
        built=True,
    ),
    CatalogueRow(
        Package.AFAS,
        "AFAS",
        FILE,
        NO_READBACK,
        NONE,
        _FILE_DOES,
        "A delimited text file for AFAS Profit's import; the bookkeeper maps its columns once in an import "
        "definition.",
        "Partly: Profit's fields, lengths and menus are documented; there is no fixed layout to "
        "verify against.",
    ),
    CatalogueRow(
        Package.CASH,
        "Cash",
        FILE,
        NO_READBACK,
        NONE,
        _FILE_DOES,
        "CASH's record format (numbered records and fields) as XML or ASCII.",
        "Partly: record and field numbers by several clients and test bookings; the ASCII file "
        "itself was not seen.",
    ),
    CatalogueRow(
        Package.MINOX,
        "Minox",
        FILE,
        NO_READBACK,
        "module import CSV",
        _FILE_DOES,
        "A configurable CSV file for Minox's import module.",
        "Not: no public description of the import layout exists; booking rules only. Needs an "
        "accepted sample file.",
    ),
    CatalogueRow(
        Package.ASPERION,
        "Asperion",
        FILE,
        NO_READBACK,
        "module import CSV",
        _FILE_DOES,
        "A CSV file of journal entries, for which Asperion's help desk installs an import definition.",
        "Partly: the supported fields and one sample are the vendor's; the layout is agreed per customer.",
    ),
    CatalogueRow(
        Package.EXACT_GLOBE,
        "Exact Globe",
        FILE,
        NO_READBACK,
        "Financieel import",
        _FILE_DOES,
        "eExact XML (accounts and general-ledger entries), with the 40-column CSV as an alternative.",
        "Well: the vendor's XML schema, checked against. Not yet imported in a live Globe.",
    ),
)

ROW_OF_PACKAGE: dict[Package, CatalogueRow] = {row.package: row for row in CATALOGUE}
