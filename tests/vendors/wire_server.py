"""A real HTTP server that misbehaves on command, one scripted reaction per request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """One request as it came off the socket."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Reaction = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def answer(
    status: int, body: object = "", headers: Mapping[str, str] | None = None, *, announce: int | None = None
) -> Reaction:
    """A response; anything but text or bytes is JSON. `announce` lies about the length."""
    content = (
        body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )

    async def react(_: Received, writer: asyncio.StreamWriter) -> None:
        length = len(content) if announce is None else announce
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await writer.drain()
        if announce is not None:
            writer.close()

    return react


async def cut(_: Received, writer: asyncio.StreamWriter) -> None:
    """Take the request and close the connection without a word."""
    writer.close()


async def hang(_: Received, writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await writer.wait_closed()


@dataclass
class WireServer:
    """Reactions are used up in order; the last one stays."""

    reactions: list[Reaction] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    def will(self, *reactions: Reaction) -> None:
        self.reactions[:] = reactions

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Received(method, target, headers, body)
                self.received.append(request)
                reaction = self.reactions.pop(0) if len(self.reactions) > 1 else self.reactions[0]
                await reaction(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[WireServer]:
    """A server on a free port."""
    wire = WireServer()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(wire.serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
