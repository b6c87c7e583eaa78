"""Attachments of bookings and relations."""

from __future__ import annotations

import base64
import binascii

from vendors.simulation.books import Direction
from vendors.snelstart.simulator import binding, problems
from vendors.snelstart.simulator.asked import Answer, Asked
from vendors.snelstart.simulator.binding import Field, boolean, fields, text
from vendors.snelstart.simulator.company import Boeking, Relatie, SnelStartCompany

LARGEST_ATTACHMENT = 10 * 1024 * 1024
LONGEST_FILE_NAME = 255

_DOCUMENT = fields(
    Field("parentIdentifier", binding.guid),
    Field("fileName", text),
    Field("content", text),
    Field("readOnly", boolean),
)


def attach(asked: Asked) -> Answer:
    """POST: an attachment to a booking or relation; the same one again is a second copy."""
    company = asked.company
    binder = binding.Binder(strict=company.settings.strict)
    bound = binding.bind(binder, binding.parse_object(asked.body, "document"), _DOCUMENT, "document")
    binder.finish()
    parent = _parent(company, asked.parts[0].lower(), binding.string(bound, "parentIdentifier") or "")
    name, content = binding.string(bound, "fileName") or "", binding.string(bound, "content") or ""
    errors = []
    if parent is None:
        errors.append("BLG-0005")
    if not name.strip():
        errors.append("BLG-0007")
    elif any(character in name for character in '\\/:*?"<>|'):
        errors.append("BLG-0016")
    elif len(name) > LONGEST_FILE_NAME:
        errors.append("BLG-0017")
    size = _decoded_size(content)
    if size is None:
        errors.append("BLG-0015")
    elif size == 0:
        errors.append("BLG-0011")
    elif size > LARGEST_ATTACHMENT:
        errors.append("BLG-0013")
    if errors or parent is None:
        raise problems.business(*errors)
    identifier = company.stage.new_id()
    if isinstance(parent, Boeking):
        parent.attachments.append(identifier)
        parent.document.attachments += 1
    else:
        parent.attachments += 1
    company.books.arrived("documenten.POST", identifier, name, company.stage.clock())
    return 201, {
        "parentIdentifier": parent.id,
        "fileName": name,
        "readOnly": bound.get("readOnly", False),
        "id": identifier,
        "uri": f"/documenten/{identifier}",
    }


def _parent(company: SnelStartCompany, kind: str, identifier: str) -> Boeking | Relatie | None:
    if kind == "relaties":
        return company.relaties.get(identifier)
    directions = {"verkoopboekingen": Direction.SALES, "inkoopboekingen": Direction.PURCHASE}
    if kind not in directions:
        raise problems.gateway(404, "Resource not found")
    boeking = company.boekingen.get(identifier)
    return boeking if boeking is not None and boeking.direction is directions[kind] else None


def _decoded_size(content: str) -> int | None:
    try:
        return len(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        return None
