"""Sales and purchase bookings: created, changed, deleted, shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from vendors.simulation.books import BookedDocument, BookedLine, BookedVat, Direction, RelationReference
from vendors.snelstart.simulator import binding, problems
from vendors.snelstart.simulator.boeking_fields import PURCHASE, SALES, Checked, Line
from vendors.snelstart.simulator.boeking_rules import check
from vendors.snelstart.simulator.company import Boeking, SnelStartCompany, local


def create(company: SnelStartCompany, direction: Direction, body: bytes) -> Boeking:
    """POST: booked at once and for good; SnelStart makes the factuur of it.

    Raises:
        Rejection: a rule was broken; nothing was booked.
    """
    bound = _bind(company, direction, body)
    refusal = binding.require_new_id(bound, "ALG-0100")
    if refusal is not None:
        raise refusal
    checked = check(company, direction, bound, None)
    now = company.stage.clock()
    identifier = company.stage.new_id()
    document = _document(company, identifier, direction, checked)
    document.arrival = company.books.arrived(f"{_resource(direction)}.POST", identifier, checked.number, now)
    company.books.add(document)
    moment = local(now)
    boeking = Boeking(
        identifier,
        company.stage.new_id(),
        direction,
        checked.relation.id,
        _values(direction, bound, checked),
        document,
        moment,
        moment,
    )
    company.boekingen[identifier] = boeking
    company.facturen[boeking.factuur_id] = boeking
    return boeking


def update(company: SnelStartCompany, direction: Direction, identifier: str, body: bytes) -> Boeking:
    """PUT: replaces the whole booking.

    Raises:
        Rejection: a rule was broken; nothing was changed.
    """
    boeking = find(company, direction, identifier)
    bound = _bind(company, direction, body)
    if bound.pop("id", None) != identifier:
        raise problems.business("BOE-0078")
    _refuse_if_fixed(company, boeking)
    checked = check(company, direction, bound, boeking)
    company.books.replace(_document(company, identifier, direction, checked))
    boeking.document = company.books.documents[identifier]
    boeking.values, boeking.relation_id = _values(direction, bound, checked), checked.relation.id
    now = company.stage.clock()
    boeking.modified = boeking.factuur_modified = local(now)
    company.books.arrived(f"{_resource(direction)}.PUT", identifier, checked.number, now)
    return boeking


def delete(company: SnelStartCompany, direction: Direction, identifier: str) -> None:
    """DELETE: takes the booking and its factuur out of the books.

    Raises:
        Rejection: unknown, paid, locked or part of a VAT return.
    """
    boeking = find(company, direction, identifier)
    _refuse_if_fixed(company, boeking)
    company.books.remove(identifier)
    del company.boekingen[identifier]
    del company.facturen[boeking.factuur_id]
    now = company.stage.clock()
    company.books.arrived(f"{_resource(direction)}.DELETE", identifier, boeking.document.number, now)


def find(company: SnelStartCompany, direction: Direction, identifier: str) -> Boeking:
    """A booking by id.

    Raises:
        Rejection: 404, there is none.
    """
    boeking = company.boekingen.get(identifier)
    if boeking is None or boeking.direction is not direction:
        raise problems.business("BOE-0001", status=404)
    return boeking


def row(boeking: Boeking) -> dict[str, object]:
    """A booking as the API shows it."""
    shown = dict(boeking.values)
    resource = _resource(boeking.direction)
    shown |= {
        "modifiedOn": boeking.modified,
        "gewijzigdDoorAccountant": False,
        "documents": [
            {"id": identifier, "uri": f"/documenten/{identifier}"} for identifier in boeking.attachments
        ],
        "id": boeking.id,
        "uri": f"/{resource}/{boeking.id}",
    }
    return shown


def _resource(direction: Direction) -> str:
    return "verkoopboekingen" if direction is Direction.SALES else "inkoopboekingen"


def _bind(company: SnelStartCompany, direction: Direction, body: bytes) -> dict[str, object]:
    is_sales = direction is Direction.SALES
    binder = binding.Binder(strict=company.settings.strict)
    bound = binding.bind(
        binder, binding.parse_object(body, "boeking"), SALES if is_sales else PURCHASE, "boeking"
    )
    party = "klant" if is_sales else "leverancier"
    if binding.reference_id(bound, party) is None:
        binder.fail(f"boeking.{party.capitalize()}", f"The {party.capitalize()} field is required.")
    if not is_sales and "factuurdatum" not in bound:
        binder.fail("boeking.Factuurdatum", "The Factuurdatum field is required.")
    binder.finish()
    return bound


def _refuse_if_fixed(company: SnelStartCompany, boeking: Boeking) -> None:
    until, locked = company.settings.vat_return_until, company.settings.accountant_locked_until
    if boeking.document.payments:
        raise problems.business("BOE-0083")
    if until is not None and boeking.document.date <= until:
        raise problems.business("BOE-0046")
    if locked is not None and boeking.document.date <= locked:
        raise problems.business("BOE-0051")


def _values(direction: Direction, bound: Mapping[str, object], checked: Checked) -> dict[str, object]:
    """What GET shows of the booking."""
    party = "klant" if direction is Direction.SALES else "leverancier"
    values: dict[str, object] = {
        "factuurnummer": checked.number,
        "factuurdatum": f"{checked.day.isoformat()}T00:00:00",
        "factuurbedrag": checked.gross,
        "omschrijving": bound.get("omschrijving"),
        "boekstuk": bound.get("boekstuk"),
        "markering": bound.get("markering", False),
        party: {"id": checked.relation.id, "uri": f"/relaties/{checked.relation.id}"},
        "boekingsregels": [_line_row(line) for line in checked.lines],
        "btw": [{"btwSoort": item.soort, "btwBedrag": item.amount} for item in checked.vat],
    }
    if direction is Direction.SALES:
        values["betalingstermijn"] = checked.term or 0
        values["eenmaligeIncassoMachtiging"] = None
        values["doorlopendeIncassoMachtiging"] = None
    return values


def _line_row(line: Line) -> dict[str, object]:
    centre = line.cost_centre
    return {
        "omschrijving": line.text,
        "grootboek": {"id": line.account.id, "uri": f"/grootboeken/{line.account.id}"},
        "kostenplaats": None if centre is None else {"id": centre.id, "uri": f"/kostenplaatsen/{centre.id}"},
        "bedrag": line.amount,
        "btwSoort": line.soort.value,
    }


def _document(
    company: SnelStartCompany, identifier: str, direction: Direction, checked: Checked
) -> BookedDocument:
    return BookedDocument.model_construct(
        id=identifier,
        direction=direction,
        number=checked.number,
        relation=RelationReference.model_construct(
            id=checked.relation.id, code=str(checked.relation.code), name=checked.relation.name
        ),
        gross=checked.gross,
        vat=[BookedVat.model_construct(kind=item.soort, amount=item.amount) for item in checked.vat],
        lines=[
            BookedLine.model_construct(
                account=str(line.account.number),
                net=line.amount,
                description=line.text,
                vat_kind=line.soort.value,
                cost_centre=None if line.cost_centre is None else str(line.cost_centre.number),
            )
            for line in checked.lines
        ],
        date=checked.day,
        due_date=checked.day + timedelta(days=checked.term or 0),
        journal="1300" if direction is Direction.SALES else "1600",
        created_at=company.stage.clock(),
        payments=[],
    )
