"""The PDF of an invoice, added to its boeking as a document.

SnelStart stacks copies when the same file is posted twice, so the boeking is asked first; it lists ids
only, the name comes from `GET /documenten/{id}`. Facts: developer portal, `POST /documenten/{parent}`, at
most 10 MB (BLG-0006, BLG-0013).
"""

from __future__ import annotations

from uuid import UUID

from schemas.invoice import Direction
from schemas.outcome import Code
from schemas.posting import PackageDocument
from sinks.contract import AttachmentFile
from sinks.shortening import shorten
from vendors.failure import Refused
from vendors.snelstart.client import SnelStartClient
from vendors.snelstart.errors import SnelStartRefused
from vendors.snelstart.models import DocumentParent

MAX_BYTES = 10 * 1024 * 1024
LONGEST_NAME = 100
FIELD = "$.attachment"
_NOT_IN_A_NAME = str.maketrans(dict.fromkeys('<>:"/\\\\|?*', "_"))
_PARENT: dict[Direction, DocumentParent] = {
    Direction.SALES: "Verkoopboekingen",
    Direction.PURCHASE: "Inkoopboekingen",
}


async def add_attachment(
    client: SnelStartClient, document: PackageDocument, direction: Direction, file: AttachmentFile
) -> None:
    """Add a file to a boeking, unless the boeking has one of that name.

    Raises:
        Refused: empty, or larger than SnelStart takes.
    """
    if document.id is None:
        raise Refused(Code.INTERNAL, field=FIELD, problem="de boeking heeft geen id")
    if not file.content:
        raise Refused(Code.REQUIRED_FIELD, field=FIELD, problem_nl="leeg bestand", problem_en="empty file")
    if len(file.content) > MAX_BYTES:
        raise Refused(
            Code.TOO_LONG,
            field=FIELD,
            problem_nl="SnelStart neemt bestanden tot 10 MB aan",
            problem_en="SnelStart takes files of up to 10 MB",
        )
    name = stored_name(file.file_name)
    parent, booking = _PARENT[direction], UUID(document.id)
    if await _is_there(client, parent, booking, name):
        return
    try:
        await client.add_attachment(parent, booking, name, file.content)
    except SnelStartRefused as refusal:
        refusal.field = FIELD
        raise


async def _is_there(client: SnelStartClient, parent: DocumentParent, booking: UUID, name: str) -> bool:
    """Whether the boeking has a document of that name; without the right to look, assume that it has not."""
    try:
        for document in await client.attachments_of(parent, booking):
            held = await client.attachment_name(document)
            if held is not None and held.casefold() == name.casefold():
                return True
    except Refused as refusal:
        if refusal.code is not Code.MODULE_MISSING:
            raise
    return False


def stored_name(file_name: str) -> str:
    """A file name that any Windows program takes, its extension kept."""
    stem, dot, extension = file_name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, extension = file_name, "pdf"
    clean = shorten(stem.translate(_NOT_IN_A_NAME), LONGEST_NAME - len(extension) - 1).strip(" .")
    return f"{clean or 'factuur'}.{extension.translate(_NOT_IN_A_NAME)}"
