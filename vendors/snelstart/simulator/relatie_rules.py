"""The rules that SnelStart holds relations to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from vendors.snelstart.simulator import binding, chart, problems
from vendors.snelstart.simulator.company import Relatie, SnelStartCompany
from vendors.snelstart.simulator.vat_numbers import is_valid_vat_number, vat_country


def check(company: SnelStartCompany, bound: Mapping[str, object], before: Relatie | None) -> None:
    """Hold a bound relation to every rule; `before` is the relation that it replaces.

    Raises:
        Rejection: with every rule that was broken.
    """
    errors = [
        *_identity_errors(company, bound, before),
        *_length_errors(bound),
        *_number_errors(bound),
        *_role_errors(company, bound),
        *_address_errors(company, bound),
        *_email_errors(bound),
    ]
    if errors:
        raise problems.business(*errors)


def _identity_errors(
    company: SnelStartCompany, bound: Mapping[str, object], before: Relatie | None
) -> Iterable[str]:
    sorts = bound.get("relatiesoort")
    wanted = {str(sort) for sort in sorts} if isinstance(sorts, list) else set()
    if not wanted or "Geen" in wanted:
        yield "REL-0001"
    if "Eigen" in wanted:
        yield "REL-0048"
    if {"Klant", "Leverancier"} <= wanted and not company.settings.both_roles_allowed:
        yield "REL-0065"
    if before is not None and wanted and wanted != set(before.sorts):
        yield "REL-0064"
    code = bound.get("relatiecode")
    if isinstance(code, int):
        owner = company.codes.get(code)
        if code <= 0 and (before is None or before.code != code):
            yield "REL-0066"
        elif owner is not None and (before is None or owner != before.id):
            yield "REL-0008"
    name = binding.string(bound, "naam")
    if name is None or not name.strip() or len(name) > 50:
        yield "REL-0007"


_TOO_LONG: tuple[tuple[str, int, str], ...] = (
    ("telefoon", 25, "REL-0013"),
    ("mobieleTelefoon", 25, "REL-0012"),
    ("kvkNummer", 12, "REL-0006"),
    ("iban", 50, "REL-0011"),
    ("bic", 15, "REL-0010"),
    ("websiteUrl", 100, "REL-0015"),
    ("email", 250, "REL-0085"),
    ("btwNummer", 50, "REL-0057"),
)


def _length_errors(bound: Mapping[str, object]) -> Iterable[str]:
    for name, limit, code in _TOO_LONG:
        if len(binding.string(bound, name) or "") > limit:
            yield code


def _number_errors(bound: Mapping[str, object]) -> Iterable[str]:
    kvk = binding.string(bound, "kvkNummer")
    if kvk and not re.fullmatch(r"\d{8}(\d{4})?", kvk):
        yield "REL-0006"
    iban = binding.string(bound, "iban")
    if iban and not _is_valid(lambda: IBAN(iban)):
        yield "REL-0011"
    bic = binding.string(bound, "bic")
    if bic and not _is_valid(lambda: BIC(bic)):
        yield "REL-0010"
    oin = binding.string(bound, "oin")
    if oin and not re.fullmatch(r"\d{20}", oin):
        yield "REL-0086"
    website = binding.string(bound, "websiteUrl")
    if website and not re.fullmatch(r"(https?://)?[^\s/.]+(\.[^\s/.]+)+(/\S*)?", website):
        yield "REL-0015"
    term = bound.get("krediettermijn")
    if isinstance(term, int) and not -365 <= term <= 1000:
        yield "REL-0003"
    yield from _vat_errors(bound)


def _vat_errors(bound: Mapping[str, object]) -> Iterable[str]:
    number = binding.string(bound, "btwNummer")
    if number is None or number == "":
        return
    if len(number) < 2:
        yield "REL-0058"
        return
    if not re.fullmatch(r"[0-9A-Za-z]+", number):
        yield "REL-0059"
        return
    country = vat_country(number)
    address = bound.get("vestigingsAdres")
    land = binding.reference_id(address, "land") if isinstance(address, dict) else None
    if land is not None and chart.COUNTRY_CODES.get(land, country) != country:
        yield "REL-0087"
    if len(number) <= 50 and not is_valid_vat_number(number, country):
        yield "REL-0088"


def _role_errors(company: SnelStartCompany, bound: Mapping[str, object]) -> Iterable[str]:
    sorts = bound.get("relatiesoort")
    wanted = sorts if isinstance(sorts, list) else []
    is_customer, is_supplier = "Klant" in wanted, "Leverancier" in wanted
    collects = bound.get("incassoSoort") in {"Core", "B2B"}
    if bound.get("aanmaningsoort") in {"Onderneming", "Consument"} and not is_customer:
        yield "REL-0002"
    if bound.get("factuurkorting") and not is_customer:
        yield "REL-0004"
    if bound.get("kredietLimiet") and not is_customer:
        yield "REL-0062"
    if bound.get("bankieren") is True and not is_supplier:
        yield "REL-0014"
    if collects and not is_customer:
        yield "REL-0016"
    if (collects or bound.get("bankieren") is True) and not bound.get("iban"):
        yield "REL-0009"
    other = binding.reference_id(bound, "factuurRelatie")
    if other is not None:
        relatie = company.relaties.get(other)
        if relatie is None:
            yield "REL-0017"
        elif "Klant" not in relatie.sorts:
            yield "REL-0018"


_ADDRESS_LIMITS: tuple[tuple[str, int, str, str], ...] = (
    ("straat", 50, "REL-0020", "REL-0025"),
    ("postcode", 25, "REL-0021", "REL-0026"),
    ("plaats", 50, "REL-0022", "REL-0027"),
    ("contactpersoon", 50, "REL-0023", "REL-0028"),
)


def _address_errors(company: SnelStartCompany, bound: Mapping[str, object]) -> Iterable[str]:
    for place, (name, unknown) in enumerate(
        (("vestigingsAdres", "REL-0056"), ("correspondentieAdres", "REL-0055"))
    ):
        address = bound.get(name)
        if not isinstance(address, dict):
            continue
        for part, limit, *codes in _ADDRESS_LIMITS:
            if len(binding.string(address, part) or "") > limit:
                yield codes[place]
        land = binding.reference_id(address, "land")
        if land is not None and land not in chart.COUNTRY_CODES:
            yield unknown
        filled = [bool(binding.string(address, part)) for part in ("straat", "postcode", "plaats")]
        filled.append(land is not None)
        incomplete = any(filled) and not all(filled)
        if incomplete and name == "vestigingsAdres" and not company.settings.incomplete_address_allowed:
            yield "REL-0060"


def _email_errors(bound: Mapping[str, object]) -> Iterable[str]:
    address = binding.string(bound, "email")
    if address and not _are_addresses(address):
        yield "REL-0084" if ";" in address else "REL-0061"
    for block, (missing, invalid, too_long, cc_invalid, cc_too_long) in problems.SENDING_EMAIL.items():
        sending = bound.get(block)
        if not isinstance(sending, dict):
            continue
        to, cc = binding.string(sending, "email"), binding.string(sending, "ccEmail")
        if sending.get("shouldSend") is True and not to:
            yield missing
        if to and not _are_addresses(to):
            yield invalid
        if len(to or "") > 250:
            yield too_long
        if cc and not _are_addresses(cc):
            yield cc_invalid
        if len(cc or "") > 250:
            yield cc_too_long


def _are_addresses(text: str) -> bool:
    """A list of addresses divided by semicolons."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    return bool(parts) and all(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", part) for part in parts)


def _is_valid(make: Callable[[], object]) -> bool:
    try:
        make()
    except SchwiftyException:
        return False
    return True
