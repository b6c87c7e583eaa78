"""Relations: created, changed, deleted."""

from __future__ import annotations

from vendors.simulation.books import Direction
from vendors.snelstart.simulator import binding, problems
from vendors.snelstart.simulator.company import Relatie, SnelStartCompany, local
from vendors.snelstart.simulator.relatie_fields import FIELDS
from vendors.snelstart.simulator.relatie_rules import check


def create(company: SnelStartCompany, body: bytes) -> Relatie:
    """POST: a new relation.

    Raises:
        Rejection: a rule was broken; nothing was stored.
    """
    bound = _bind(company, body)
    refusal = binding.require_new_id(bound, "REL-0063")
    if refusal is not None:
        raise refusal
    bound.pop("id", None)
    check(company, bound, None)
    bound.setdefault("relatiecode", company.next_code())
    now = company.stage.clock()
    relatie = Relatie(company.stage.new_id(), _stored(bound), local(now), now)
    company.keep(relatie)
    company.books.arrived("relaties.POST", relatie.id, str(relatie.code), now)
    return relatie


def update(company: SnelStartCompany, identifier: str, body: bytes) -> Relatie:
    """PUT: replaces the whole relation; what is absent becomes empty.

    Raises:
        Rejection: a rule was broken; nothing was stored.
    """
    before = company.relaties.get(identifier)
    if before is None:
        raise problems.business("REL-0005", status=404)
    bound = _bind(company, body)
    if bound.pop("id", None) != identifier:
        raise problems.business("REL-0047")
    check(company, bound, before)
    bound.setdefault("relatiecode", before.code)
    now = company.stage.clock()
    relatie = Relatie(identifier, _stored(bound), local(now), before.created, before.attachments)
    company.keep(relatie)
    company.books.arrived("relaties.PUT", identifier, str(relatie.code), now)
    return relatie


def delete(company: SnelStartCompany, identifier: str) -> None:
    """DELETE: only a relation that nothing depends on.

    Raises:
        Rejection: unknown, or something depends on it.
    """
    relatie = company.relaties.get(identifier)
    if relatie is None:
        raise problems.business("REL-0005", status=404)
    if relatie.code < 0:
        raise problems.business("REL-0103" if "Klant" in relatie.sorts else "REL-0067")
    for boeking in company.boekingen.values():
        if boeking.relation_id == identifier and boeking.document.open != 0:
            raise problems.business("REL-0049" if boeking.direction is Direction.SALES else "REL-0053")
    if any(
        binding.reference_id(other.values, "factuurRelatie") == identifier
        for other in company.relaties.values()
    ):
        raise problems.business("REL-0051")
    company.drop(relatie)
    company.books.arrived("relaties.DELETE", identifier, str(relatie.code), company.stage.clock())


def _bind(company: SnelStartCompany, body: bytes) -> dict[str, object]:
    binder = binding.Binder(strict=company.settings.strict)
    bound = binding.bind(binder, binding.parse_object(body, "relatie"), FIELDS, "relatie")
    binder.finish()
    return bound


def _stored(bound: dict[str, object]) -> dict[str, object]:
    """What SnelStart keeps: a Dutch VAT number without its country."""
    number = binding.string(bound, "btwNummer")
    if number is not None:
        bound["btwNummer"] = number.upper().removeprefix("NL")
    return bound
