"""A company in a simulator, as `koppeling connect` wants to be told about it."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.outcome import Package


def credentials_of(company: Mapping[str, object]) -> dict[str, object]:
    """What to connect with, from the answer of `POST /_simulator/companies`."""
    given = company["credentials"]
    urls = company.get("urls") or {}
    assert isinstance(given, Mapping)
    assert isinstance(urls, Mapping)
    match Package(str(company["package"])):
        case Package.SNELSTART:
            return {**given, "base_url": urls["api_url"], "auth_url": urls["auth_url"]}
        case Package.KING:
            return {"folder": given["folder"], "emptied_by_program": True}
        case other:
            raise ValueError(f"{other} has no simulator")
