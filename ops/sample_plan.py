"""What the sample company invoices and buys in a month: forty invoices, without amounts and dates."""

from __future__ import annotations

from dataclasses import dataclass, field

from ops.sample_relations import Json, Party
from schemas.invoice import VatKind

HOOG, LAAG, VERLEGD, ICP = VatKind.HOOG, VatKind.LAAG, VatKind.VERLEGD, VatKind.ICP
GEEN, VRIJGESTELD = VatKind.GEEN, VatKind.VRIJGESTELD


@dataclass(frozen=True)
class Line:
    """A line of the plan: amounts are drawn between two bounds in whole EUR."""

    kind: str
    description: str
    account: str
    vat: VatKind
    least: int
    most: int
    unit: str | None = None


@dataclass(frozen=True)
class Plan:
    """One invoice to come: `sales` kinds by name, None for a purchase."""

    kind: str | None
    party: Party
    description: str
    lines: tuple[Line, ...]
    werk: tuple[str, str] | None = None
    g_percentage: int | None = None
    term: tuple[int, int] | None = None
    credit_of: int | None = None
    """Place of the credited invoice in the plan; amounts are the same, negative."""
    extra: Json = field(default_factory=dict)


LABOUR = Line("labour", "Arbeid monteur “warmtepomp”", "8200", HOOG, 200, 2400, "uur")
LABOUR_LOW = Line("labour", "Isolatie- en stucwerk woning > 2 jaar", "8210", LAAG, 150, 1800, "uur")
MATERIAL = Line("material", "CV-ketel, koppelingen & beugels", "8100", HOOG, 80, 3200, "stuks")
MATERIAL_LOW = Line("material", "Isolatiemateriaal dak", "8110", LAAG, 40, 900, "m2")
TERM = Line("term", "Termijn volgens offerte", "8000", HOOG, 2500, 18000)
TERM_LOW = Line("term", "Termijn isolatie", "8010", LAAG, 500, 4000)
TERM_VERLEGD = Line("term", "Termijn onderaanneming, btw verlegd", "8250", VERLEGD, 4000, 26000)
EXTRA = Line("other", "Meerwerk extra groep en wandcontactdozen", "8200", HOOG, 90, 1900)
EXTRA_VERLEGD = Line("other", "Meerwerk leidingtracé, btw verlegd", "8250", VERLEGD, 300, 5200)
PROVISIONAL = Line("provisional", "Verrekening stelpost sanitair", "8100", HOOG, -1800, -200)
SMALL_LESS = Line("other", "Minderwerk contactdoos", "8200", HOOG, -80, -10)
LESS = Line("other", "Minderwerk vloerverwarming", "8200", HOOG, -900, -60)
DEPOSIT = Line("other", "Statiegeld haspel", "8040", GEEN, 15, 60)
GOODS_EU = Line("material", "Lieferung Wärmetauscher Größe 2", "8070", ICP, 900, 7000, "stuks")

BUY = Line("material", "Koperbuis 15 mm en bochten", "7000", HOOG, 60, 2600, "stuks")
BUY_LOW = Line("material", "Isolatiemateriaal, laag tarief", "7000", LAAG, 40, 700, "m2")
BUY_RETURN = Line("material", "Retour krimpkousen", "7000", HOOG, -90, -10)
TOOLS = Line("other", "Klein gereedschap", "4210", HOOG, 25, 400)
FUEL = Line("other", "Brandstof bedrijfsbussen", "4410", HOOG, 120, 900)
INSURANCE = Line("other", "Verzekeringspremie CAR", "4700", VRIJGESTELD, 150, 950)
HIRE = Line("other", "Huur hoogwerker", "7200", HOOG, 200, 1500)
SUBCONTRACTED = Line("labour", "Onderaanneming leidingwerk, btw verlegd", "7100", VERLEGD, 1500, 14000)
BUY_EU = Line("material", "Luft-Wasser-Wärmepumpe 9 kW", "7010", ICP, 2500, 9000, "stuks")

SCHOOL, FLATS = ("W{year}-014", "Nieuwbouw school Súdwest"), ("W{year}-021", "Renovatie 48 woningen")
LAB = ("W{year}-033", "Onderhoud café & keuken")
CHAIN: Json = {"contract_reference": "OVK-2026-08 leidingwerk", "opdrachtbonnen": ["OB-1187"]}

PLANS: tuple[Plan, ...] = (
    Plan("termijn", Party.MUNICIPALITY, "Termijn 1 van 4", (TERM,), SCHOOL, term=(1, 4)),
    Plan(
        "termijn", Party.CONTRACTOR, "Termijn 2 van 5", (TERM_VERLEGD,), FLATS, 25, term=(2, 5), extra=CHAIN
    ),
    Plan("termijn", Party.HOUSING, "Termijn 1 van 2", (TERM, TERM_LOW), FLATS, term=(1, 2)),
    Plan("termijn", Party.PARTNER, "Termijn 3 van 3", (TERM_VERLEGD,), SCHOOL, 40, term=(3, 3), extra=CHAIN),
    Plan("termijn", Party.MUNICIPALITY, "Termijn 2 van 4", (TERM,), SCHOOL, term=(2, 4)),
    Plan("meerwerk", Party.MUNICIPALITY, "Meerwerk installatie", (EXTRA, MATERIAL), SCHOOL),
    Plan("meerwerk", Party.CONTRACTOR, "Meerwerk leidingtracé", (EXTRA_VERLEGD, EXTRA_VERLEGD), FLATS, 25),
    Plan("meerwerk", Party.HOUSING, "Meerwerk isolatie", (EXTRA, LABOUR_LOW, MATERIAL_LOW), FLATS),
    Plan("meerwerk", Party.CAFE, "Meerwerk keuken", (EXTRA, SMALL_LESS, MATERIAL), LAB),
    Plan("eindafrekening", Party.MUNICIPALITY, "Eindafrekening", (TERM, EXTRA, PROVISIONAL, LESS), SCHOOL),
    Plan("eindafrekening", Party.CONTRACTOR, "Eindafrekening", (TERM_VERLEGD, EXTRA_VERLEGD), FLATS, 25),
    Plan("eindafrekening", Party.CAFE, "Eindafrekening verrekening", (PROVISIONAL, LESS), LAB),
    Plan("regie", Party.PRIVATE, "Storing cv-ketel", (LABOUR, MATERIAL)),
    Plan("regie", Party.HOUSING, "Regie week 10", (LABOUR, LABOUR_LOW, MATERIAL, MATERIAL_LOW), FLATS),
    Plan("regie", Party.OWNERS, "Onderhoud liftinstallatie", (LABOUR, LABOUR, MATERIAL)),
    Plan("regie", Party.CAFE, "Koeling en afzuiging", (LABOUR, MATERIAL, DEPOSIT), LAB),
    Plan("regie", Party.PARTNER, "Inleen monteurs", (LABOUR,)),
    Plan(
        "opdrachtbon",
        Party.HOUSING,
        "Opdrachtbonnen",
        (LABOUR_LOW, MATERIAL_LOW),
        extra={"opdrachtbonnen": ["OB-1201"]},
    ),
    Plan(
        "opdrachtbon",
        Party.OWNERS,
        "Opdrachtbon pomp",
        (LABOUR, MATERIAL),
        extra={"opdrachtbonnen": ["OB-1202"]},
    ),
    Plan(
        "opdrachtbon",
        Party.PRIVATE,
        "Lekkage badkamer",
        (LABOUR, MATERIAL),
        extra={"opdrachtbonnen": ["OB-1203"]},
    ),
    Plan(
        "opdrachtbon",
        Party.MUNICIPALITY,
        "Keuring noodverlichting",
        (LABOUR,),
        extra={"opdrachtbonnen": ["OB-1204", "OB-1205"]},
    ),
    Plan(
        "opdrachtbon",
        Party.HOUSING,
        "Mutatiewoning",
        (LABOUR, LABOUR_LOW, MATERIAL),
        extra={"opdrachtbonnen": ["OB-1206"]},
    ),
    Plan("los", Party.CAFE, "Levering spoelkraan", (MATERIAL, DEPOSIT)),
    Plan("los", Party.GERMAN_BUYER, "Lieferung Ersatzteile", (GOODS_EU,)),
    Plan("los", Party.PRIVATE, "Credit storing cv-ketel", (LABOUR, MATERIAL), credit_of=12),
    Plan("los", Party.CONTRACTOR, "Credit meerwerk", (EXTRA_VERLEGD, EXTRA_VERLEGD), credit_of=6),
    Plan(None, Party.WHOLESALER, "Materialen week 9", (BUY, BUY, TOOLS), FLATS),
    Plan(None, Party.WHOLESALER, "Materialen week 10", (BUY, BUY_LOW, BUY_RETURN), SCHOOL),
    Plan(None, Party.WHOLESALER, "Materialen week 11", (BUY,)),
    Plan(None, Party.ELECTRICAL, "Groepenkasten", (BUY, BUY), SCHOOL),
    Plan(None, Party.ELECTRICAL, "Gereedschap", (TOOLS,)),
    Plan(None, Party.ELECTRICAL, "Brandstof en huur", (FUEL, HIRE)),
    Plan(None, Party.ELECTRICAL, "Retourzending", (BUY_RETURN, BUY_RETURN)),
    Plan(None, Party.WHOLESALER, "Polis en gereedschap", (INSURANCE, TOOLS)),
    Plan(None, Party.SUBCONTRACTOR, "Onderaanneming week 9", (SUBCONTRACTED,), FLATS, 25, extra=CHAIN),
    Plan(
        None,
        Party.SUBCONTRACTOR,
        "Onderaanneming week 10",
        (SUBCONTRACTED, SUBCONTRACTED),
        FLATS,
        25,
        extra=CHAIN,
    ),
    Plan(None, Party.PARTNER, "Onderaanneming school", (SUBCONTRACTED,), SCHOOL, 40, extra=CHAIN),
    Plan(None, Party.GERMAN_SELLER, "Wärmepumpen", (BUY_EU,), FLATS),
    Plan(None, Party.WHOLESALER, "Credit materialen week 11", (BUY,), credit_of=28),
    Plan(None, Party.SUBCONTRACTOR, "Credit onderaanneming", (SUBCONTRACTED,), FLATS, credit_of=34),
)
"""The month's invoices; a credit comes after what it credits."""
