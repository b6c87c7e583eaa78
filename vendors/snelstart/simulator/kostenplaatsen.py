"""Cost centres: listed and created."""

from __future__ import annotations

from vendors.snelstart.simulator import binding, chart, problems
from vendors.snelstart.simulator.asked import Answer, Asked
from vendors.snelstart.simulator.binding import Field, boolean, fields, integer, text


def list_all(asked: Asked) -> Answer:
    """GET: all of them, active or not."""
    return 200, [centre.row() for centre in asked.company.cost_centres.values()]


def get_one(asked: Asked) -> Answer:
    """GET by id."""
    centre = asked.company.cost_centres.get(asked.id)
    if centre is None:
        raise problems.business("KPL-0001", status=404)
    return 200, centre.row()


_COST_CENTRE = fields(
    Field("id", binding.guid),
    Field("nummer", integer),
    Field("omschrijving", text),
    Field("nonactief", boolean),
    Field("uri", text, read_only=True),
)


def create(asked: Asked) -> Answer:
    """POST: a new cost centre."""
    company = asked.company
    binder = binding.Binder(strict=company.settings.strict)
    bound = binding.bind(
        binder, binding.parse_object(asked.body, "kostenplaats"), _COST_CENTRE, "kostenplaats"
    )
    binder.finish()
    refusal = binding.require_new_id(bound, "ALG-0100")
    if refusal is not None:
        raise refusal
    number, name = bound.get("nummer"), binding.string(bound, "omschrijving") or ""
    errors = []
    if not isinstance(number, int):
        errors.append("KPL-0006")
    elif not 1 <= number <= 999_999_999:
        errors.append("KPL-0007")
    elif any(centre.number == number for centre in company.cost_centres.values()):
        errors.append("KPL-0008")
    if not name.strip():
        errors.append("KPL-0004")
    if len(name) > 50:
        errors.append("KPL-0005")
    if bound.get("nonactief") is True:
        errors.append("KPL-0009")
    if errors or not isinstance(number, int):
        raise problems.business(*errors)
    centre = chart.CostCentre(company.stage.new_id(), number, name, active=True)
    company.cost_centres[centre.id] = centre
    company.books.arrived("kostenplaatsen.POST", centre.id, str(number), company.stage.clock())
    return 201, centre.row()
