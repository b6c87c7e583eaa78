"""SOAP by zeep over our own transport, from the service descriptions beside this module.

zeep writes the envelope and reads the answer; the request itself goes the way of every call to a package
(`vendors.transport`), so that pacing, the lease and "was anything sent?" hold here as well, and so that the
status line and the headers, which zeep drops, decide what an answer means.

Facts: the service descriptions that every cluster serves at `?wsdl`. They are shipped because loading them
costs a call and the ones of some services cannot be loaded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vendors.answer import Answer
from vendors.twinfield.errors import failure_of, unreadable

NAMESPACE = "http://www.twinfield.com/"

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]
"""Address, headers and envelope of one request to its answer."""


@dataclass(frozen=True)
class Service:
    """One of Twinfield's services."""

    wsdl: str
    binding: str
    path: str
    operation: str


PROCESS_XML = Service("processxml.wsdl", "ProcessXmlSoap", "/webservices/processxml.asmx", "ProcessXmlString")
FINDER = Service("finder.wsdl", "FinderSoap", "/webservices/finder.asmx", "Search")


@dataclass(frozen=True)
class Caller:
    """Who calls: what the SOAP header says."""

    token: str
    office: str | None

    def header(self) -> dict[str, str]:
        """What we say; zeep adds the empty `CompanyId` that some clusters want."""
        company = {"CompanyCode": self.office} if self.office else {}
        return {"AccessToken": self.token, **company}


async def call(
    service: Service, cluster: str, caller: Caller, send: Send, *, write: bool, **arguments: object
) -> Any:
    """Call a service's operation; what zeep makes of its answer.

    Raises:
        vendors.failure.Failure: what the answer means when it is not a success, or what `send` raises.
    """
    from zeep import AsyncClient, exceptions
    from zeep.proxy import AsyncServiceProxy

    post = _Post(send, write)
    client = AsyncClient(_document(service.wsdl), transport=post)
    binding = client.wsdl.bindings[f"{{{NAMESPACE}}}{service.binding}"]
    proxy = AsyncServiceProxy(client, binding, address=cluster + service.path)
    try:
        return await proxy[service.operation](_soapheaders={"Header": caller.header()}, **arguments)
    except exceptions.Error as failure:
        if post.answer is None:
            raise
        # a fault under status 200, no XML, another envelope
        raise failure_of(post.answer, write=write) from failure
    except (ValueError, AttributeError, TypeError) as failure:
        if post.answer is None:
            raise
        raise unreadable(f"{type(failure).__name__}: {failure}", write=write) from failure


class _Post:
    """The part of zeep's transport that a call uses."""

    def __init__(self, send: Send, write: bool) -> None:
        self.answer: Answer | None = None
        self._send = send
        self._write = write

    async def post_xml(self, address: str, envelope: Any, headers: Mapping[str, str]) -> _Reply:
        """Send an envelope; only a 200 goes on to zeep."""
        from zeep.wsdl.utils import etree_to_string

        self.answer = await self._send(address, headers, etree_to_string(envelope))
        if self.answer.status != 200:
            raise failure_of(self.answer, write=self._write)
        return _Reply(self.answer.status, self.answer.headers, self.answer.body)


@dataclass(frozen=True)
class _Reply:
    """An answer under the names that zeep reads."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str = "utf-8"


class _NothingElse:
    """zeep loads what a description refers to; ours refer to nothing."""

    def load(self, url: str) -> bytes:
        """Raises `FileNotFoundError`."""
        raise FileNotFoundError(url)


@lru_cache(maxsize=4)
def _document(name: str) -> Any:
    from zeep import Settings
    from zeep.wsdl import Document

    settings = Settings(strict=True, forbid_dtd=True, forbid_external=True, xml_huge_tree=True)
    with (Path(__file__).parent / "wsdl" / name).open("rb") as source:
        return Document(source, _NothingElse(), settings=settings)
