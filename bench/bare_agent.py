"""The measure of the intake: the least a Faust agent can do without losing a record.

It forwards the bytes it reads and awaits the acknowledgement of each record before the next. No decoding, no
checks, no table. Run as `python -m bench.bare_agent BOOTSTRAP SOURCE TARGET GROUP DATA_DIR`.
"""

from __future__ import annotations

import sys

import faust


def main() -> None:
    bootstrap, source, target, group, data_dir = sys.argv[1:]
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        datadir=data_dir,
        key_serializer="raw",
        value_serializer="raw",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        autodiscover=False,
    )
    outgoing = app.topic(target)

    async def forward(stream: faust.Stream[bytes]) -> None:
        async for event in stream.events():
            await (await event.forward(outgoing))

    app.agent(app.topic(source, key_type=bytes, value_type=bytes), name="forward")(forward)
    faust.Worker(app, loglevel="ERROR", override_logging=True).execute_from_commandline()


if __name__ == "__main__":
    main()
