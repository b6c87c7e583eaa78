"""`python -m streams CONFIG.json`: the intake alone, without the settings of the rest.

The file (`-` is standard input, which keeps a password out of the process list) holds the fields of
`StreamsConfig` as JSON. `koppeling streams` does the same from the settings.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pydantic import TypeAdapter

from streams.config import StreamsConfig
from streams.run import run
from telemetry import logging


def main() -> None:
    """Read the configuration named on the command line and run."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = sys.argv[1]
    text = sys.stdin.read() if source == "-" else Path(source).read_text()
    config = TypeAdapter(StreamsConfig).validate_python(json.loads(text), strict=False)
    logging.configure()
    status = run(config, on_ready=lambda: print("ready", flush=True))
    # Threads of the consumer may outlive Faust's stop; nothing is left to do for them.
    os._exit(status)


if __name__ == "__main__":
    main()
