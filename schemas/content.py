"""One way of writing an event's data, so that the same data always is the same bytes.

Names in the order of the models, no spaces, UTF-8; amounts with two decimals, other numbers without idle
zeros; what is absent, null or empty by default is left out. So a new optional field changes no hash of an
older document, but another order of the fields in a model would: a test pins it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from schemas.administration import Administration
from schemas.invoice import Invoice
from schemas.model import EventModel
from schemas.relation import Relation

_APART = frozenset({"revision", "extensions"})


def canonical_data(data: Administration | Relation | Invoice) -> tuple[bytes, bytes]:
    """The canonical bytes of an event's data, and the sha-256 of its content.

    The content is the data apart from revision and extensions: two events about one document are identical
    when these hashes are equal.
    """
    content = _bytes_of(data, without=True)
    hashed = hashlib.sha256(content).digest()
    if data.extensions is not None:
        return _bytes_of(data, without=False), hashed
    if isinstance(data, Administration):
        return content, hashed
    return b'{"revision":%d,%b' % (data.revision, content[1:]), hashed


def _bytes_of(data: EventModel, *, without: bool) -> bytes:
    excluded = set(_APART) if without else None
    return data.model_dump_json(exclude=excluded, exclude_defaults=True).encode()


def raw_content_hash(data: Mapping[str, object]) -> bytes:
    """The same for data with fields that this release does not know: over its sorted JSON as it came."""
    content = {name: value for name, value in data.items() if name not in _APART}
    return hashlib.sha256(
        json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    ).digest()
