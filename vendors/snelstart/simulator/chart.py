"""Master data of a new SnelStart administration: chart, journals, VAT rates, countries, cost centres.

Account functions and their numbers are those of the vendor's .NET client; account numbers are those of
SnelStart's default administration where public sources name them (8000 … 8270, 7000 … 7100, 1300),
else chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Soort(StrEnum):
    """The VAT type of a line (`btwSoort`), in the order of the vendor's enum."""

    GEEN = "Geen"
    LAAG = "Laag"
    HOOG = "Hoog"
    OVERIG = "Overig"


ANY = tuple(Soort)


@dataclass(frozen=True)
class Function:
    """What an account is for: which line types it allows, and whether bookings may name it."""

    number: int
    allowed: tuple[Soort, ...]
    bookable: bool = True

    @property
    def is_purchase(self) -> bool:
        """Whether VAT on its lines is reclaimed."""
        return 30 <= self.number <= 34 or 61 <= self.number <= 73

    @property
    def needs_soort(self) -> bool:
        """Whether a line must name its VAT type because the account does not tell."""
        return self.number in {30, 34}


FUNCTIONS: Mapping[str, Function] = {
    "Diversen": Function(0, (Soort.GEEN,)),
    "DagboekKas": Function(1, (Soort.GEEN,), bookable=False),
    "DagboekBank": Function(2, (Soort.GEEN,), bookable=False),
    "DagboekVerkoop": Function(4, (Soort.GEEN,), bookable=False),
    "DagboekInkoop": Function(5, (Soort.GEEN,), bookable=False),
    "DagboekMemoriaal": Function(7, (Soort.GEEN,), bookable=False),
    "DagboekBalans": Function(8, (Soort.GEEN,), bookable=False),
    "VerkopenOmzetOnbelastVerlegd": Function(10, (Soort.GEEN,)),
    "VerkopenOmzetLaag": Function(11, (Soort.LAAG,)),
    "VerkopenOmzetHoog": Function(12, (Soort.HOOG,)),
    "VerkopenOmzetOverig": Function(13, (Soort.OVERIG,)),
    "BtwAfteDragenLaag": Function(21, (Soort.GEEN,), bookable=False),
    "BtwAfTeDragenHoog": Function(22, (Soort.GEEN,), bookable=False),
    "BtwAfTeDragenOverig": Function(23, (Soort.GEEN,), bookable=False),
    "BtwAfTeDragenVerlegdVerkopen": Function(24, (Soort.GEEN,), bookable=False),
    "BtwTeVorderenVerlegd": Function(25, (Soort.GEEN,), bookable=False),
    "InkopenKostenAlleBtwTarieven": Function(30, ANY),
    "InkopenKostenLaag": Function(31, (Soort.LAAG,)),
    "InkopenKostenHoog": Function(32, (Soort.HOOG,)),
    "InkopenKostenOverig": Function(33, (Soort.OVERIG,)),
    "InkopenVraagPosten": Function(34, ANY),
    "BtwTeVorderenLaag": Function(41, (Soort.GEEN,), bookable=False),
    "BtwTeVorderenHoog": Function(42, (Soort.GEEN,), bookable=False),
    "BtwTeVorderenOverig": Function(43, (Soort.GEEN,), bookable=False),
    "BtwAfTeDragenVerlegdInkopen": Function(44, (Soort.GEEN,), bookable=False),
    "BtwTeVorderenVerlegdInkopen": Function(45, (Soort.GEEN,), bookable=False),
    "InkopenImportBinnenEUlaag": Function(61, (Soort.LAAG,)),
    "InkopenImportBinnenEUhoog": Function(62, (Soort.HOOG,)),
    "InkopenImportBinnenEUoverig": Function(63, (Soort.OVERIG,)),
    "InkopenImportBuitenEUlaag": Function(71, (Soort.LAAG,)),
    "InkopenImportBuitenEUhoog": Function(72, (Soort.HOOG,)),
    "InkopenImportBuitenEUoverig": Function(73, (Soort.OVERIG,)),
    "VerkopenExportBinnenEU": Function(80, (Soort.GEEN,)),
    "VerkopenExportBuitenEU": Function(81, (Soort.GEEN,)),
    "InstallatieTeleverkoopBinnenEUgeen": Function(84, (Soort.GEEN,)),
    "DienstverleningBinnenEU": Function(88, (Soort.GEEN,)),
    "Kruisposten": Function(112, (Soort.GEEN,)),
}
"""Account functions by the vendor's name."""

COSTS = "InkopenKostenAlleBtwTarieven"
"""The function of an account whose function is not named."""


@dataclass
class Account:
    """A general-ledger account (`grootboek`)."""

    id: str
    number: int
    name: str
    function: str
    cost_centre_required: bool
    active: bool
    modified: datetime

    @property
    def rules(self) -> Function:
        """What its function allows."""
        return FUNCTIONS[self.function]

    def row(self) -> dict[str, object]:
        """As the API shows it."""
        return {
            "modifiedOn": self.modified,
            "omschrijving": self.name,
            "kostenplaatsVerplicht": self.cost_centre_required,
            "rekeningCode": "Balans" if self.number < 4000 else "WinstEnVerlies",
            "nonactief": not self.active,
            "nummer": self.number,
            "grootboekfunctie": self.function,
            "rgsCode": [],
            "btwSoort": [soort.value for soort in self.rules.allowed],
            "vatRateCode": None,
            "id": self.id,
            "uri": f"/grootboeken/{self.id}",
        }


@dataclass
class CostCentre:
    """A cost centre (`kostenplaats`)."""

    id: str
    number: int
    name: str
    active: bool

    def row(self) -> dict[str, object]:
        """As the API shows it."""
        return {
            "omschrijving": self.name,
            "nonactief": not self.active,
            "nummer": self.number,
            "id": self.id,
            "uri": f"/kostenplaatsen/{self.id}",
        }


DEFAULT_ACCOUNTS: tuple[tuple[int, str, str], ...] = (
    (1000, "Kas", "DagboekKas"),
    (1100, "Bank", "DagboekBank"),
    (1300, "Debiteuren", "DagboekVerkoop"),
    (1450, "Tussenrekening G-rekening", "Diversen"),
    (1600, "Crediteuren", "DagboekInkoop"),
    (1650, "Btw te vorderen laag", "BtwTeVorderenLaag"),
    (1651, "Btw te vorderen hoog", "BtwTeVorderenHoog"),
    (1652, "Btw te vorderen overig", "BtwTeVorderenOverig"),
    (1660, "Btw af te dragen laag", "BtwAfteDragenLaag"),
    (1661, "Btw af te dragen hoog", "BtwAfTeDragenHoog"),
    (1662, "Btw af te dragen overig", "BtwAfTeDragenOverig"),
    (1671, "Btw af te dragen verlegd inkopen", "BtwAfTeDragenVerlegdInkopen"),
    (1672, "Btw te vorderen verlegd inkopen", "BtwTeVorderenVerlegdInkopen"),
    (1673, "Btw af te dragen verlegd verkopen", "BtwAfTeDragenVerlegdVerkopen"),
    (1674, "Btw te vorderen verlegd verkopen", "BtwTeVorderenVerlegd"),
    (2000, "Kruisposten", "Kruisposten"),
    (2900, "Memoriaal", "DagboekMemoriaal"),
    (2950, "Balans", "DagboekBalans"),
    (3000, "Voorraad materialen", "Diversen"),
    (4000, "Lonen en salarissen", COSTS),
    (4100, "Huisvestingskosten", COSTS),
    (4200, "Exploitatiekosten", COSTS),
    (4210, "Klein gereedschap", COSTS),
    (4300, "Verkoopkosten", COSTS),
    (4400, "Autokosten", COSTS),
    (4410, "Brandstof", COSTS),
    (4500, "Kantoorkosten", COSTS),
    (4600, "Algemene kosten", COSTS),
    (4700, "Verzekeringen", COSTS),
    (4800, "Afschrijvingen", "Diversen"),
    (4900, "Overige kosten", COSTS),
    (4999, "Vraagposten", "InkopenVraagPosten"),
    (7000, "Inkoop materialen", COSTS),
    (7001, "Inkopen laag", "InkopenKostenLaag"),
    (7002, "Inkopen hoog", "InkopenKostenHoog"),
    (7003, "Inkopen overig", "InkopenKostenOverig"),
    (7010, "Inkopen binnen EU hoog", "InkopenImportBinnenEUhoog"),
    (7011, "Inkopen binnen EU laag", "InkopenImportBinnenEUlaag"),
    (7012, "Inkopen binnen EU overig", "InkopenImportBinnenEUoverig"),
    (7020, "Inkopen buiten EU hoog", "InkopenImportBuitenEUhoog"),
    (7021, "Inkopen buiten EU laag", "InkopenImportBuitenEUlaag"),
    (7022, "Inkopen buiten EU overig", "InkopenImportBuitenEUoverig"),
    (7100, "Kosten uitbesteed werk", COSTS),
    (7200, "Huur materieel", COSTS),
    (8000, "Omzet hoog", "VerkopenOmzetHoog"),
    (8010, "Omzet laag", "VerkopenOmzetLaag"),
    (8020, "Omzet overig", "VerkopenOmzetOverig"),
    (8040, "Omzet onbelast", "VerkopenOmzetOnbelastVerlegd"),
    (8060, "Omzet buiten EU", "VerkopenExportBuitenEU"),
    (8070, "Omzet goederen binnen EU", "VerkopenExportBinnenEU"),
    (8075, "Installatie en televerkoop binnen EU", "InstallatieTeleverkoopBinnenEUgeen"),
    (8100, "Omzet materialen hoog", "VerkopenOmzetHoog"),
    (8110, "Omzet materialen laag", "VerkopenOmzetLaag"),
    (8140, "Omzet materialen onbelast", "VerkopenOmzetOnbelastVerlegd"),
    (8150, "Omzet materialen verlegd", "VerkopenOmzetOnbelastVerlegd"),
    (8200, "Omzet diensten hoog", "VerkopenOmzetHoog"),
    (8210, "Omzet diensten laag", "VerkopenOmzetLaag"),
    (8240, "Omzet diensten onbelast", "VerkopenOmzetOnbelastVerlegd"),
    (8250, "Omzet diensten verlegd", "VerkopenOmzetOnbelastVerlegd"),
    (8270, "Omzet diensten binnen EU", "DienstverleningBinnenEU"),
)
"""Number, name and function of the accounts that every company has."""

DEFAULT_COST_CENTRES: tuple[tuple[int, str], ...] = ((1, "Installatie"), (2, "Service"), (3, "Onderhoud"))

JOURNALS: tuple[tuple[int, str, str], ...] = (
    (1000, "Kas", "Kas"),
    (1100, "Bank", "Bank"),
    (1300, "Debiteuren", "Verkoop"),
    (1600, "Crediteuren", "Inkoop"),
    (2900, "Memoriaal", "Memoriaal"),
    (2950, "Balans", "Balans"),
)
"""Number, name and kind (`soort`) of the journals."""

_OPEN_START, _OPEN_END = datetime(1900, 1, 1), datetime(2400, 12, 31)

VAT_RATES: tuple[tuple[Soort, Decimal, datetime, datetime], ...] = (
    (Soort.GEEN, Decimal(0), _OPEN_START, _OPEN_END),
    (Soort.LAAG, Decimal(6), _OPEN_START, datetime(2018, 12, 31)),
    (Soort.LAAG, Decimal(9), datetime(2019, 1, 1), _OPEN_END),
    (Soort.HOOG, Decimal(19), _OPEN_START, datetime(2012, 9, 30)),
    (Soort.HOOG, Decimal(21), datetime(2012, 10, 1), _OPEN_END),
    (Soort.OVERIG, Decimal(0), _OPEN_START, _OPEN_END),
)
"""The dated schedule of `/btwtarieven`."""


def vat_rate_rows() -> list[dict[str, object]]:
    """As `/btwtarieven` shows them."""
    return [
        {"btwSoort": soort.value, "btwPercentage": rate, "datumVanaf": start, "datumTotEnMet": end}
        for soort, rate, start, end in VAT_RATES
    ]


COUNTRIES: tuple[tuple[str, str, str], ...] = (
    ("Nederland", "NL", "NLD"),
    ("België", "BE", "BEL"),
    ("Bulgarije", "BG", "BGR"),
    ("Cyprus", "CY", "CYP"),
    ("Denemarken", "DK", "DNK"),
    ("Duitsland", "DE", "DEU"),
    ("Estland", "EE", "EST"),
    ("Finland", "FI", "FIN"),
    ("Frankrijk", "FR", "FRA"),
    ("Griekenland", "GR", "GRC"),
    ("Hongarije", "HU", "HUN"),
    ("Ierland", "IE", "IRL"),
    ("Italië", "IT", "ITA"),
    ("Kroatië", "HR", "HRV"),
    ("Letland", "LV", "LVA"),
    ("Litouwen", "LT", "LTU"),
    ("Luxemburg", "LU", "LUX"),
    ("Malta", "MT", "MLT"),
    ("Oostenrijk", "AT", "AUT"),
    ("Polen", "PL", "POL"),
    ("Portugal", "PT", "PRT"),
    ("Roemenië", "RO", "ROU"),
    ("Slovenië", "SI", "SVN"),
    ("Slowakije", "SK", "SVK"),
    ("Spanje", "ES", "ESP"),
    ("Tsjechië", "CZ", "CZE"),
    ("Zweden", "SE", "SWE"),
    ("Zwitserland", "CH", "CHE"),
    ("Noorwegen", "NO", "NOR"),
    ("Verenigd Koninkrijk", "GB", "GBR"),
    ("Verenigde Staten", "US", "USA"),
    ("Turkije", "TR", "TUR"),
    ("China", "CN", "CHN"),
    ("Curaçao", "CW", "CUW"),
)
"""Name, two-letter and three-letter code; the vendor has about 250."""

COUNTRY_IDS: Mapping[str, str] = {
    code: f"c4335f00-c6a6-48fd-b89f-{place:012x}" for place, (_, code, _) in enumerate(COUNTRIES, start=1)
}
"""The id of a country by its two-letter code; countries are the same in every administration."""

COUNTRY_CODES: Mapping[str, str] = {identifier: code for code, identifier in COUNTRY_IDS.items()}


def country_rows() -> list[dict[str, object]]:
    """As `/landen` shows them."""
    return [
        {
            "naam": name,
            "landcode": code,
            "landcodeISO": iso,
            "id": COUNTRY_IDS[code],
            "uri": f"/landen/{COUNTRY_IDS[code]}",
        }
        for name, code, iso in COUNTRIES
    ]
