"""The answers by which SnelStart's B2B API v2 refuses, in the vendor's words and shapes.

Business rules answer 400 with an array of `{errorCode, message, details}`; binding a body answers 400 with
`message` and `modelState`; the OData layer answers 400 with `Message`; the gateway answers with `statusCode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MESSAGES: Mapping[str, str] = {
    "ALG-0100": "Het ID dient leeg te zijn",
    "ALG-0101": "Het ID in het url en het ID van de data in het request komen niet overeen",
    "ALG-0103": "Ongeldig ID",
    "ALG-0104": "Ongeldig OData filter",
    "ALG-0106": "De data in het request is leeg",
    "BLG-0005": "Inkoopboeking niet gevonden.",
    "BLG-0007": "Geen bestandsnaam opgegeven.",
    "BLG-0011": "Content is leeg.",
    "BLG-0013": "Content is groter dan 10MB.",
    "BLG-0015": "Upload van bijlage is gefaald.",
    "BLG-0016": "Bestandsnaam bevat niet-toegestane karakters.",
    "BLG-0017": "Bestandsnaam is te lang.",
    "BOE-0001": "Niet gevonden",
    "BOE-0002": "Leverancier niet gevonden",
    "BOE-0003": "Het Id is gevonden maar de relatie is geen leverancier",
    "BOE-0008": "De grootboekrekening is verwijderd en staat op nonactief in de administratie",
    "BOE-0009": "Het dagboek inkoop is verwijderd en staat op nonactief in de administratie",
    "BOE-0010": "Het dagboek inkoop is niet gevonden",
    "BOE-0019": "De kostenplaats is niet gevonden",
    "BOE-0021": "Het factuurnummer bestaat al",
    "BOE-0022": "Bij de opgegeven grootboekrekening is een kostenplaats is verplicht",
    "BOE-0023": "Er zijn geen boekingsregels",
    "BOE-0026": "De kostenplaats is verwijderd en staat op nonactief",
    "BOE-0028": "Een regelbedrag is nul",
    "BOE-0033": "De boekdatum mag niet meer dan 5 jaar voor het huidig boekjaar liggen",
    "BOE-0037": "Een grootboekrekening kon niet worden gevonden",
    "BOE-0039": "De boeking is niet in balans",
    "BOE-0042": "De boekdatum ligt in een geblokkeerde periode",
    "BOE-0046": "De boeking is gekoppeld aan een Btw aangifte",
    "BOE-0051": (
        "De boeking valt in een periode die door uw accountant is geblokkeerd voor controle of reeds door uw "
        "accountant is gecontroleerd"
    ),
    "BOE-0052": "Het Iban nummer van de klant is niet ingevuld, dit is verplicht bij een incasso.",
    "BOE-0053": "Bij btwregel met te vorderen btw, is een inkoop boekingsregel verplicht",
    "BOE-0054": "De relatie is verwijderd en staat op nonactief",
    "BOE-0055": "Incasseren is niet toegestaan voor deze klant.",
    "BOE-0058": "Het factuurnummer is verplicht en mag maximaal 25 tekens bevatten.",
    "BOE-0060": "De opgegeven relatie is geen klant.",
    "BOE-0061": "Er is een niet toegestane grootboekrekening gebruikt.",
    "BOE-0062": "Btwverlegd mag niet worden gecombineerd met andere btwsoorten.",
    "BOE-0064": "Er is zowel een doorlopende- als een éénmalige incassomachtiging opgegeven.",
    "BOE-0068": "Het boekstuk mag maximaal 25 tekens lang zijn.",
    "BOE-0069": "De opgegeven BTW is niet geldig",
    "BOE-0070": "De opgegeven boekdatum is niet geldig",
    "BOE-0071": "Een omschrijving mag maximaal 250 tekens lang zijn.",
    "BOE-0075": "In de boekingsregels mag niet worden geboekt op memoriaal of een balans dagboek",
    "BOE-0078": "De id kan niet gewijzigd worden",
    "BOE-0080": "Voor deze klant is boeken op een omzetrekening voor EU niet toegestaan.",
    "BOE-0081": "Er is geen grootboekrekening aanwezig voor de volgende grootboekfuncties.",
    "BOE-0082": "Een btw-soort ontbreekt, of komt niet overeen met de btwsoort van de grootboekrekening.",
    "BOE-0083": "De factuur kan niet worden verwijderd omdat er betalingen zijn.",
    "BOE-0089": "Het grootboek is niet gevonden",
    "BOE-0093": (
        "De inkoopboeking bevat één of meerdere boekingsregels met een grootboek die een kostenplaatsregel "
        "bevat waarbij de instelling op 'Nee' staat"
    ),
    "BOE-0096": "Het dagboek is niet gevonden",
    "KPL-0001": "Kostenplaats niet gevonden",
    "KPL-0004": "De omschrijving is verplicht",
    "KPL-0005": "De omschrijving mag maximaal 50 karakters bevatten",
    "KPL-0006": "Het nummer is verplicht",
    "KPL-0007": "Het nummer moet tussen 1 en 999999999 liggen",
    "KPL-0008": "Dit nummer bestaat al",
    "KPL-0009": "Er kan geen nonactieve kostenplaats worden gemaakt",
    "REL-0001": "RelatieSoort mag niet 'geen' zijn",
    "REL-0002": "RelatieSoort dient klant te bevatten indien aanmanen aan staat",
    "REL-0003": "Krediettermijn mag niet kleiner dan -365 of groter dan 1000 zijn",
    "REL-0004": "RelatieSoort dient klant te bevatten indien Factuurkorting aan staat",
    "REL-0005": "Relatie niet gevonden",
    "REL-0006": "KvkNummer is ongeldig",
    "REL-0007": "Naam moet gevuld zijn",
    "REL-0008": "Relatiecode reeds in gebruik",
    "REL-0009": "Iban mag niet leeg zijn wanneer bankieren aan staat of incassosoort is 'geen'",
    "REL-0010": "Bic is ongeldig",
    "REL-0011": "Iban is ongeldig",
    "REL-0012": "MobieleTelefoon mag maximaal 25 karakters bevatten",
    "REL-0013": "Telefoon mag maximaal 25 karakters bevatten",
    "REL-0014": "Relatiesoort dient leverancier te bevatten indien bankieren aan staat",
    "REL-0015": "WebSiteUrl dient een geldig URL te zijn",
    "REL-0016": "RelatieSoort dient klant te bevatten indien IncassoSoort gevuld is",
    "REL-0017": "Factuurrelatie bestaat niet",
    "REL-0018": "Factuurrelatie is geen klant",
    "REL-0020": "VestigingsAdres.Straat mag maximaal 50 karakters bevatten",
    "REL-0021": "VestigingsAdres.Postcode mag maximaal 25 karakters bevatten",
    "REL-0022": "VestigingsAdres.Plaats mag maximaal 50 karakters bevatten",
    "REL-0023": "VestigingsAdres.Contactpersoon mag maximaal 50 karakters bevatten",
    "REL-0025": "Correspondentie.Straat mag maximaal 50 karakters bevatten",
    "REL-0026": "Correspondentie.Postcode mag maximaal 25 karakters bevatten",
    "REL-0027": "Correspondentie.Plaats mag maximaal 50 karakters bevatten",
    "REL-0028": "Correspondentie.Contactpersoon mag maximaal 50 karakters bevatten",
    "REL-0047": "Het ID in het url en het ID van de relatie in het request komen niet overeen",
    "REL-0048": "RelatieSoort mag niet 'eigen' bevatten",
    "REL-0049": "Klant heeft openstaande facturen",
    "REL-0051": "Klant is een factuurrelatie",
    "REL-0053": "Leverancier heeft openstaande facturen",
    "REL-0055": "CorrespondentieAdres.LandId niet gevonden",
    "REL-0056": "VestigingsAdres.LandId niet gevonden",
    "REL-0057": "BtwNummer mag maximaal 50 karakters bevatten",
    "REL-0058": "BtwNummer moet minimaal 2 karakters bevatten",
    "REL-0059": "BtwNummer mag alleen cijfers en letters bevatten",
    "REL-0060": (
        "Indien een van de velden van VestigingsAdres gevuld is, meegegeven dienen alle velden gevuld zijn, "
        "uitgezonderd Contactpersoon"
    ),
    "REL-0061": "Email dient een geldig emailadres te zijn.",
    "REL-0062": "RelatieSoort dient klant te bevatten indien Kredietlimiet ingevuld is.",
    "REL-0063": "Het ID dient leeg te zijn.",
    "REL-0064": "RelatieSoort mag niet aangepast worden.",
    "REL-0065": "RelatieSoort kan niet zowel 'klant' als 'leverancier' zijn.",
    "REL-0066": (
        "De input is incompleet of incorrect. Controleer of de json valide is en de juiste properties bevat."
    ),
    "REL-0067": (
        "Deze leverancier kan niet worden verwijderd omdat deze intern door SnelStart wordt gebruikt."
    ),
    "REL-0084": (
        "Email bevat één of meerdere ongeldige emailadressen. U kunt meerdere emailadressen opgeven door ze "
        "te scheiden met een puntkomma(;)."
    ),
    "REL-0085": "Email mag maximaal 250 karakters bevatten",
    "REL-0086": "Oin moet exact 20 cijfers bevatten of null zijn",
    "REL-0087": "De Btw landcode komt niet overeen met de landcode van het vestigingsadres",
    "REL-0088": "Het opgegeven nummer is geen geldig btw-nummer",
    "REL-0103": "Klant kan niet worden verwijderd omdat deze intern door SnelStart wordt gebruikt",
}
"""The vendor's published codes that a booking or relation can meet, with their messages."""

SENDING_EMAIL: Mapping[str, tuple[str, str, str, str, str]] = {
    "aanmaningEmailVersturen": ("REL-0029", "REL-0068", "REL-0069", "REL-0070", "REL-0071"),
    "factuurEmailVersturen": ("REL-0032", "REL-0072", "REL-0073", "REL-0074", "REL-0075"),
    "bevestigingsEmailVersturen": ("REL-0038", "REL-0076", "REL-0077", "REL-0078", "REL-0079"),
    "offerteEmailVersturen": ("REL-0044", "REL-0080", "REL-0081", "REL-0082", "REL-0083"),
    "offerteAanvraagEmailVersturen": ("REL-0089", "REL-0091", "REL-0092", "REL-0094", "REL-0095"),
    "bestellingEmailVersturen": ("REL-0096", "REL-0098", "REL-0099", "REL-0101", "REL-0102"),
}
"""Per e-mail block: address missing while sending is on; invalid; too long; cc invalid; cc too long."""

_SENDING_TEXTS = (
    "{0}.Email dient gevuld te zijn indien {0}.ShouldSend aan staat",
    "{0}.Email bevat één of meerdere ongeldige emailadressen.",
    "{0}.Email mag maximaal 250 karakters bevatten",
    "{0}.CcEmail bevat één of meerdere ongeldige emailadressen.",
    "{0}.CcEmail mag maximaal 250 karakters bevatten",
)

_ALL_MESSAGES: Mapping[str, str] = {
    **MESSAGES,
    **{
        code: text.format(block[0].upper() + block[1:])
        for block, codes in SENDING_EMAIL.items()
        for code, text in zip(codes, _SENDING_TEXTS, strict=True)
    },
}


class Rejection(Exception):
    """An answer that is not a success; raised anywhere before anything was changed."""

    def __init__(
        self, status: int, body: object, *, headers: Mapping[str, str] | None = None, detail: str = ""
    ) -> None:
        super().__init__(detail or status)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        self.detail = detail


@dataclass(frozen=True)
class RuleError:
    """A broken business rule; `details` names what broke it (accounts, functions)."""

    code: str
    details: tuple[str, ...] = ()


def business(*errors: RuleError | str, status: int = 400) -> Rejection:
    """A refusal by business rules, several at once."""
    rules = [error if isinstance(error, RuleError) else RuleError(error) for error in errors]
    unique = list(dict.fromkeys(rules))
    body = [
        {
            "errorCode": rule.code,
            "message": _ALL_MESSAGES[rule.code],
            "details": list(rule.details) or None,
        }
        for rule in unique
    ]
    return Rejection(status, body, detail=" ".join(rule.code for rule in unique))


def model_state(errors: Mapping[str, list[str]]) -> Rejection:
    """A refusal by binding the body: fields that are unknown, missing or of the wrong type."""
    body = {"message": "The request is invalid.", "modelState": dict(errors)}
    return Rejection(400, body, detail=f"modelState {' '.join(errors)}")


def odata(message: str) -> Rejection:
    """A refusal by the OData layer."""
    return Rejection(400, {"Message": message}, detail=message)


def gateway(status: int, message: str, headers: Mapping[str, str] | None = None) -> Rejection:
    """A refusal by API Management, before the API itself."""
    return Rejection(status, {"statusCode": status, "message": message}, headers=headers, detail=message)


def token_error(status: int, error: str) -> Rejection:
    """A refusal by the token endpoint."""
    return Rejection(status, {"error": error}, detail=error)
