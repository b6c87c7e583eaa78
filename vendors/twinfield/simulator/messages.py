"""What Twinfield says, in Dutch and in English; the language is that of the user.

The first group are the vendor's own texts. Of the second no text is published: these say what is wrong in
the same manner, and no client can rely on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["nl", "en"]

_VENDOR: Mapping[str, tuple[str, str]] = {
    "dimension_unknown": ("Dimensie {code} bestaat niet.", "Dimension {code} does not exist."),
    "dimension_type_unknown": (
        "Dimensietype {code} bestaat niet.",
        "Dimension type {code} does not exist.",
    ),
    "mask": (
        "De code voldoet niet aan het formaat {format}.",
        "The code does not comply with the format {format}.",
    ),
    "office_unknown": ("De administratie bestaat niet.", "The company does not exist."),
    "office_denied": (
        "U hebt geen toegang tot deze administratie.",
        "You do not have access to this company.",
    ),
    "name_missing": ("Naam moet worden ingevuld", "Name must be entered"),
    "not_allowed": (
        "Het element '{tag}' mag niet worden aangeleverd.",
        "The element '{tag}' may not be supplied.",
    ),
    "substitute_unknown": (
        "De dimensie {code} met financieel niveau 1 niet gevonden.",
        "The dimension {code} with financial level 1 was not found.",
    ),
    "account_unknown": (
        "Grootboekrekening {code} bestaat niet.",
        "General ledger account {code} does not exist.",
    ),
    "vat_unknown": (
        "Btw {code} bestaat niet of is (nog) niet actief.",
        "VAT {code} does not exist or is not (yet) active.",
    ),
    "ebill_mail": (
        "Als Elektronisch factureren is ingeschakeld, mag het e-mailadres niet leeg zijn",
        "If electronic billing is enabled, the e-mail address may not be empty",
    ),
    "ascription": ("Begunstigde is ongeldig.", "Beneficiary is invalid."),
    "destiny": (
        "Incorrecte XML - de bestemming is ongeldig.",
        "Incorrect XML - the destiny is invalid.",
    ),
    "unbalanced": (
        "De boeking is niet in balans. Er ontbreekt {amount} {side}.",
        "The transaction is not in balance. {amount} {side} is missing.",
    ),
    "unbalanced_base": (
        "De boeking balanceert niet in de basisvaluta. Er ontbreekt {amount} {side}.",
        "The transaction is not in balance in the base currency. {amount} {side} is missing.",
    ),
    "unbalanced_reporting": (
        "De boeking balanceert niet in de rapportagevaluta. Er ontbreekt {amount} {side}.",
        "The transaction is not in balance in the reporting currency. {amount} {side} is missing.",
    ),
    "date_outside_period": (
        "Datum {date} valt buiten de opgegeven periode ({period}).",
        "Date {date} falls outside the given period ({period}).",
    ),
    "period_unknown": (
        "De boeking kan niet gemaakt worden omdat periode {period} niet bestaat",
        "The transaction cannot be created because period {period} does not exist",
    ),
    "duplicate": ("Factuurnummer {number} komt reeds voor.", "Invoice number {number} already exists."),
    "dimension_not_in_office": (
        "Dimensie {code} komt niet voor in administratie {office}",
        "Dimension {code} does not exist in company {office}",
    ),
    "needs_dimension": (
        "Grootboekrekening [{code}] vereist de specificatie van een relatie of kostenplaats",
        "General ledger account [{code}] requires the specification of a relation or cost centre",
    ),
    "vat_code_missing": ("Er mist een BTW code", "A VAT code is missing"),
    "vat_wrong_side": (
        "{name} ({code}) is van het type {type} terwijl het dagboek van het btw-type {wanted} is.",
        "{name} ({code}) is of type {type} while the daybook is of VAT type {wanted}.",
    ),
    "not_provisional": (
        "De status van de boeking moet Concept zijn.",
        "The status of the transaction must be Provisional.",
    ),
    "type_unknown": ("Type niet geïmplementeerd.", "Type not implemented."),
}

_OURS: Mapping[str, tuple[str, str]] = {
    "twice": ("Het element '{tag}' komt meer dan eens voor.", "The element '{tag}' occurs more than once."),
    "missing": ("Het element '{tag}' ontbreekt of is leeg.", "The element '{tag}' is missing or empty."),
    "too_long": (
        "De waarde van '{tag}' is langer dan {length} tekens.",
        "The value of '{tag}' is longer than {length} characters.",
    ),
    "wrong_value": (
        "De waarde '{value}' van '{tag}' is ongeldig.",
        "The value '{value}' of '{tag}' is invalid.",
    ),
    "no_code_left": ("Er is geen vrije code meer.", "There is no free code left."),
    "in_use": ("De dimensie {code} is in gebruik.", "The dimension {code} is in use."),
    "inactive": ("Dimensie {code} is niet actief.", "Dimension {code} is not active."),
    "one_default": (
        "Er moet precies één standaard zijn.",
        "There must be exactly one default.",
    ),
    "id_unknown": ("Id {id} bestaat niet.", "Id {id} does not exist."),
    "payment_means": (
        "De betaalwijze past niet bij de instelling voor betalen.",
        "The means of payment does not fit the setting for payments.",
    ),
    "daybook_unknown": ("Dagboek {code} bestaat niet.", "Daybook {code} does not exist."),
    "currency_unknown": ("Valuta {code} bestaat niet.", "Currency {code} does not exist."),
    "period_closed": ("Periode {period} is afgesloten.", "Period {period} is closed."),
    "invoice_number_missing": (
        "Factuurnummer moet worden ingevuld.",
        "Invoice number must be entered.",
    ),
    "transaction_unknown": (
        "Boeking {code} {number} bestaat niet.",
        "Transaction {code} {number} does not exist.",
    ),
    "line_order": (
        "De volgorde van de regels moet totaal, detail, btw zijn.",
        "The order of the lines must be total, detail, vat.",
    ),
    "one_total": ("Er moet precies één totaalregel zijn.", "There must be exactly one total line."),
    "no_detail": ("Er moet ten minste één detailregel zijn.", "There must be at least one detail line."),
    "no_vat_on_code": (
        "Bij btw-code {code} hoort geen btw-bedrag.",
        "VAT code {code} carries no VAT amount.",
    ),
    "performance": (
        "Btw-code {code} vereist '{tag}'.",
        "VAT code {code} requires '{tag}'.",
    ),
    "browse_unknown": ("Overzicht {code} bestaat niet.", "Browse {code} does not exist."),
    "field_unknown": ("Veld {field} bestaat niet.", "Field {field} does not exist."),
    "operator": (
        "Op veld {field} kan niet worden gefilterd met {operator}.",
        "Field {field} cannot be filtered with {operator}.",
    ),
}

_TEXTS: Mapping[str, tuple[str, str]] = {**_VENDOR, **_OURS}

FAULTS: Mapping[int, tuple[str, str]] = {
    100: ("Er is een fout opgetreden op de server.", "An error occurred on the server."),
    101: (
        "Toegang geweigerd. Company ontbreekt in request header.",
        "Access denied. Company missing in request header.",
    ),
    102: ("Toegang geweigerd.", "Access denied."),
    103: (
        "Uw aanmeldgegevens zijn niet meer geldig. Probeer opnieuw aan te melden.",
        "Your logon credentials are not valid anymore. Try to log on again.",
    ),
    104: ("Toegang geweigerd. Gebruiker verwijderd.", "Access denied. Logon deleted."),
    105: ("Toegang geweigerd. Gebruiker geblokkeerd.", "Access denied. Logon disabled."),
    106: ("Toegang geweigerd. Organisatie niet actief.", "Access denied. Organisation inactive."),
    107: ("Er is een extra aanmeldstap nodig.", "An additional logon step is required."),
    108: ("Toegang geweigerd. Verkeerd cluster.", "Access denied. Wrong cluster."),
    109: ("U hebt geen toegang tot deze administratie.", "You do not have access to this company."),
    110: ("Aanmelden is niet toegestaan.", "Logon is not allowed."),
    122: ("Clientsoftware is niet toegestaan.", "Client software is not allowed."),
    187: ("Ongeldige XML-gegevens.", "Invalid XML data."),
    351: (
        "Toegang geweigerd. Claim organisationUserCode ontbreekt.",
        "Access denied. Claim organisationUserCode is missing.",
    ),
    352: ("Toegang geweigerd. Organisatie ontbreekt.", "Access denied. Organisation claim is missing."),
    354: ("Toegang geweigerd. Token ongeldig.", "Access denied. Token invalid."),
    358: (
        "Toegang geweigerd. Token kan niet worden gevalideerd.",
        "Access denied. Token could not be validated.",
    ),
}
"""The vendor's codes for a call that is refused as a whole."""

HTTP_STATUS: Mapping[int, int] = {
    102: 403, 103: 401, 104: 403, 105: 403, 106: 403, 351: 401, 352: 403, 353: 403, 354: 401,
}  # fmt: skip
"""Codes that are answered with a status line only, and with which status; all others are SOAP faults."""


def say(language: Language, key: str, **values: object) -> str:
    """A message about something in a document."""
    return _TEXTS[key][0 if language == "nl" else 1].format(**values)


def fault_text(language: Language, code: int) -> str:
    """The message of a call that is refused as a whole."""
    return FAULTS[code][0 if language == "nl" else 1]
