"""What every Python peer does with a record: book it, and try again when that failed.

The record's value is the document in the package's own form and its key the administration, so that no peer
has anything to map. The settings are lines of `name=value`: broker, topic, group, address, token per
administration.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import httpx

ATTEMPTS = 5
PAUSE_SECONDS = 0.2


def settings(path: str) -> dict[str, str]:
    """The settings of a run."""
    lines = Path(path).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def headers(given: Mapping[str, str], administration: str) -> dict[str, str]:
    """Of a call for one administration."""
    return {
        "Authorization": f"Bearer {given[f'token.{administration}']}",
        "Ocp-Apim-Subscription-Key": given["subscription_key"],
        "Content-Type": "application/json; charset=utf-8",
    }


def book(client: httpx.Client, given: Mapping[str, str], administration: str, document: bytes) -> None:
    """Book one document; raises when every attempt failed."""
    for attempt in range(ATTEMPTS):
        try:
            client.post(
                given["address"], content=document, headers=headers(given, administration)
            ).raise_for_status()
            return
        except httpx.HTTPError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE_SECONDS)


async def book_later(
    client: httpx.AsyncClient, given: Mapping[str, str], administration: str, document: bytes
) -> None:
    """The same in a coroutine."""
    import asyncio

    for attempt in range(ATTEMPTS):
        try:
            answer = await client.post(
                given["address"], content=document, headers=headers(given, administration)
            )
            answer.raise_for_status()
            return
        except httpx.HTTPError:
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
