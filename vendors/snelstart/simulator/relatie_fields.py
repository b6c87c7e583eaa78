"""The fields of relations (RelatieWriteModel and RelatieModel), as they are sent and as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vendors.snelstart.simulator import binding, chart, problems
from vendors.snelstart.simulator.binding import (
    Field,
    boolean,
    choice,
    decimal,
    fields,
    integer,
    nested,
    nothing,
    several,
    text,
)
from vendors.snelstart.simulator.company import EXAMPLE_AMOUNT, EXAMPLE_MOMENT, Relatie, local

TYPE_NAME = "SnelStart.B2B.Api.V2.Models.Relaties.RelatieModel"

EMAIL_BLOCKS = tuple(problems.SENDING_EMAIL)

_ADDRESS = fields(
    Field("contactpersoon", text),
    Field("straat", text),
    Field("postcode", text),
    Field("plaats", text),
    Field("land", binding.reference),
)
_SENDING = fields(Field("shouldSend", boolean), Field("email", text), Field("ccEmail", text))


def _sorts(binder: binding.Binder, value: object, path: str) -> list[object] | None:
    """An array of enum names; a single name is accepted as well."""
    read = several(choice("Geen", "Klant", "Leverancier", "Eigen"))
    found = read(binder, [value] if isinstance(value, str) else value, path)
    return found if isinstance(found, list) else None


FIELDS = fields(
    Field("id", binding.guid),
    Field("relatiesoort", _sorts),
    Field("relatiecode", integer),
    Field("naam", text),
    Field("vestigingsAdres", nested(_ADDRESS)),
    Field("correspondentieAdres", nested(_ADDRESS)),
    Field("telefoon", text),
    Field("mobieleTelefoon", text),
    Field("email", text),
    Field("btwNummer", text),
    Field("kvkNummer", text),
    Field("oin", text),
    Field("factuurkorting", decimal),
    Field("krediettermijn", integer),
    Field("kredietLimiet", decimal),
    Field("bankieren", boolean),
    Field("nonactief", boolean),
    Field("memo", text),
    Field("websiteUrl", text),
    Field("aanmaningsoort", choice("Nee", "Onderneming", "Consument")),
    *(Field(block, nested(_SENDING)) for block in EMAIL_BLOCKS),
    Field("ublBestandAlsBijlage", boolean),
    Field("iban", text),
    Field("bic", text),
    Field("incassoSoort", choice("Geen", "Core", "B2B")),
    Field("factuurRelatie", binding.reference),
    Field("uri", nothing, read_only=True),
    Field("modifiedOn", nothing, read_only=True),
    Field("inkoopBoekingenUri", nothing, read_only=True),
    Field("verkoopBoekingenUri", nothing, read_only=True),
    Field("extraVeldenKlant", nothing, read_only=True),
    Field("documents", nothing, read_only=True),
)


def row(relatie: Relatie) -> dict[str, object]:
    """A relation as the API shows it: every field, nulls included."""
    values = relatie.values
    shown: dict[str, object] = {
        field.name: values.get(field.name) for field in FIELDS.values() if not field.read_only
    }
    for address in ("vestigingsAdres", "correspondentieAdres"):
        shown[address] = _address_row(values.get(address))
    for block in EMAIL_BLOCKS:
        shown[block] = {"shouldSend": False, "email": None, "ccEmail": None, **_mapping(values.get(block))}
    defaults: dict[str, object] = {
        "factuurkorting": Decimal(0),
        "bankieren": False,
        "nonactief": False,
        "aanmaningsoort": "Nee",
        "incassoSoort": "Geen",
        "ublBestandAlsBijlage": False,
    }
    for name, default in defaults.items():
        if shown[name] is None:
            shown[name] = default
    shown |= {
        "modifiedOn": relatie.modified,
        "inkoopBoekingenUri": f"/relaties/{relatie.id}/inkoopboekingen",
        "verkoopBoekingenUri": f"/relaties/{relatie.id}/verkoopboekingen",
        "extraVeldenKlant": [],
        "documents": [],
        "id": relatie.id,
        "uri": f"/relaties/{relatie.id}",
    }
    return shown


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _address_row(value: object) -> dict[str, object] | None:
    if not isinstance(value, dict):
        return None
    shown: dict[str, object] = {
        name: value.get(name) for name in ("contactpersoon", "straat", "postcode", "plaats")
    }
    land = binding.reference_id(value, "land")
    shown["land"] = None if land is None else {"id": land, "uri": f"/landen/{land}"}
    return shown


def example() -> dict[str, object]:
    """A full row, which tells a filter what properties there are and of what type."""
    land = {"id": chart.COUNTRY_IDS["NL"], "uri": ""}
    address = {"contactpersoon": "x", "straat": "x", "postcode": "x", "plaats": "x", "land": land}
    words = dict.fromkeys(
        (
            "naam",
            "telefoon",
            "mobieleTelefoon",
            "email",
            "btwNummer",
            "kvkNummer",
            "oin",
            "memo",
            "websiteUrl",
        ),
        "x",
    )
    values: dict[str, object] = {
        **words,
        "iban": "x",
        "bic": "x",
        "relatiesoort": ["Klant"],
        "relatiecode": 1,
        "krediettermijn": 1,
        "kredietLimiet": EXAMPLE_AMOUNT,
        "factuurkorting": EXAMPLE_AMOUNT,
        "vestigingsAdres": address,
        "correspondentieAdres": address,
        "factuurRelatie": {"id": chart.COUNTRY_IDS["NL"], "uri": ""},
    }
    shown = row(Relatie(chart.COUNTRY_IDS["NL"], values, local(EXAMPLE_MOMENT), EXAMPLE_MOMENT))
    shown["factuurRelatie"] = {"id": chart.COUNTRY_IDS["NL"], "uri": ""}
    return shown
