"""The twelve relations of the sample company: whom an installation company invoices and buys from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Json = dict[str, object]

OWN_G_ACCOUNT = "NL94TRIO0753762648"
"""The sample company's own G-rekening, for sales invoices."""


class Party(StrEnum):
    """The sample's relations by what they are to the company."""

    CONTRACTOR = "contractor"
    HOUSING = "housing"
    PRIVATE = "private"
    MUNICIPALITY = "municipality"
    CAFE = "cafe"
    OWNERS = "owners"
    GERMAN_BUYER = "german_buyer"
    WHOLESALER = "wholesaler"
    ELECTRICAL = "electrical"
    SUBCONTRACTOR = "subcontractor"
    GERMAN_SELLER = "german_seller"
    PARTNER = "partner"


@dataclass(frozen=True)
class SampleRelation:
    """One relation of the sample, as far as it differs from the others."""

    party: Party
    name: str
    roles: tuple[str, ...]
    address: tuple[str, str, str, str, str]
    iban: str
    vat_identifier: str | None = None
    kvk_number: str | None = None
    g_account: str | None = None
    days: int = 30
    contact: str | None = None

    def data(self, administration: str, place: int) -> Json:
        """The data of its event; `place` numbers it within the administration."""
        street, house_number, postcode, city, country = self.address
        domain = f"{self.party.value.replace('_', '-')}.example"
        accounts: list[Json] = [{"iban": self.iban, "holder": self.name, "kind": "normal"}]
        if self.g_account:
            accounts.append({"iban": self.g_account, "holder": self.name, "kind": "g_account"})
        data: Json = {
            "administration": administration,
            "id": relation_id(self.party),
            "revision": 1,
            "number": str(10_000 + place),
            "roles": list(self.roles),
            "name": self.name,
            "kvk_number": self.kvk_number,
            "vat_identifier": self.vat_identifier,
            "addresses": [
                {
                    "kind": "visiting",
                    "street": street,
                    "house_number": house_number,
                    "postcode": postcode,
                    "city": city,
                    "country": country,
                }
            ],
            "phone": f"030-12345{place:02d}",
            "email": f"info@{domain}",
            "invoice_email": f"facturen@{domain}",
            "contact_person": self.contact,
            "bank_accounts": accounts,
            "payment_terms": {"code": f"{self.days}D", "days": self.days},
            "language": "de" if country == "DE" else "nl",
            "currency": "EUR",
            "blocked": False,
        }
        return {name: value for name, value in data.items() if value is not None}


def relation_id(party: Party) -> str:
    """ENK's id of a sample relation."""
    return f"rel-{party.value}"


_DEBTOR, _CREDITOR = ("debtor",), ("creditor",)

RELATIONS: tuple[SampleRelation, ...] = (
    SampleRelation(
        Party.CONTRACTOR,
        "Bouwbedrijf Groeneveld B.V.",
        _DEBTOR,
        ("Dorpsstraat", "12a", "3511 AB", "Utrecht", "NL"),
        "NL86ABNA0780250716",
        vat_identifier="NL398259793B01",
        kvk_number="30112233",
        contact="Renée Groeneveld",
    ),
    SampleRelation(
        Party.HOUSING,
        "Woningstichting Fryslân-Noord voor Senioren en Jongeren te Leeuwarden",
        _DEBTOR,
        ("Prins Hendrikkade", "101", "8911 BK", "Leeuwarden", "NL"),
        "NL27RABO0456966375",
        vat_identifier="NL907483379B03",
        kvk_number="01020304",
    ),
    SampleRelation(
        Party.PRIVATE,
        "Fam. Özdemir–Łukasiewicz",
        _DEBTOR,
        ("Één Meilaan", "7", "2321 XZ", "Leiden", "NL"),
        "NL87INGB0478940513",
        days=14,
    ),
    SampleRelation(
        Party.MUNICIPALITY,
        "Gemeente Súdwest-Fryslân",
        _DEBTOR,
        ("Marktstraat", "15", "8601 CR", "Sneek", "NL"),
        "NL97RABO0600632591",
        vat_identifier="NL012904041B02",
        kvk_number="55667788",
    ),
    SampleRelation(
        Party.CAFE,
        "Café “Crème Brûlée” & Zn.",
        _DEBTOR,
        ("Nieuwe Gracht", "3 bis", "2011 NB", "Haarlem", "NL"),
        "NL09INGB0829372847",
        vat_identifier="NL102734641B02",
        kvk_number="34567890",
        contact="François d’Estrées",
        days=8,
    ),
    SampleRelation(
        Party.OWNERS,
        "VvE ’t Zonnehoekje",
        _DEBTOR,
        ("Zonnehoek", "1-25", "1316 AA", "Almere", "NL"),
        "NL51TRIO0478576653",
        kvk_number="41234567",
    ),
    SampleRelation(
        Party.GERMAN_BUYER,
        "Müller & Söhne Haustechnik GmbH",
        _DEBTOR,
        ("Königstraße", "5", "46446", "Emmerich", "DE"),
        "DE89370400440532013000",
        vat_identifier="DE136695976",
    ),
    SampleRelation(
        Party.WHOLESALER,
        "Technische Groothandel Noord B.V.",
        _CREDITOR,
        ("Industrieweg", "5", "9723 AX", "Groningen", "NL"),
        "NL65KNAB0859082048",
        vat_identifier="NL869589696B01",
        kvk_number="87654321",
    ),
    SampleRelation(
        Party.ELECTRICAL,
        "Elektro-Unie ’s-Hertogenbosch B.V.",
        _CREDITOR,
        ("Ampèrestraat", "22", "5221 GD", "’s-Hertogenbosch", "NL"),
        "NL35KNAB0399492805",
        vat_identifier="NL504925891B03",
        kvk_number="16012345",
    ),
    SampleRelation(
        Party.SUBCONTRACTOR,
        "Van Dijk Leidingwerk en Onderaanneming",
        _CREDITOR,
        ("Lageweg", "88", "3815 VG", "Amersfoort", "NL"),
        "NL32ABNA0892458281",
        vat_identifier="NL139441177B03",
        kvk_number="32098765",
        g_account="NL82ABNA0625599711",
    ),
    SampleRelation(
        Party.GERMAN_SELLER,
        "Wärmepumpen Vertrieb Grünewald GmbH",
        _CREDITOR,
        ("Hauptstraße", "77", "48431", "Rheine", "DE"),
        "DE77370400440098765432",
        vat_identifier="DE129273398",
    ),
    SampleRelation(
        Party.PARTNER,
        "Çelik & Söderström Installaties V.O.F.",
        ("debtor", "creditor"),
        ("Coöperatieweg", "9", "7411 KL", "Deventer", "NL"),
        "NL26RABO0123818244",
        vat_identifier="NL715162044B02",
        kvk_number="08123456",
        g_account="NL35RABO0732838693",
    ),
)
"""In the order in which ENK publishes them."""
