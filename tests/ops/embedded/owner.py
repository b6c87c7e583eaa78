"""A process that owns an embedded service: prints what a test must know, then does nothing until it dies."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from ops.embedded import KafkaNode, PostgresNode

if __name__ == "__main__":
    kind, folder = sys.argv[1], Path(sys.argv[2])
    node: KafkaNode | PostgresNode = KafkaNode(folder) if kind == "kafka" else PostgresNode(folder)
    node.start()
    address = node.bootstrap_servers if isinstance(node, KafkaNode) else node.database_url
    print(json.dumps({"pid": node.pid, "address": address}), flush=True)
    while True:
        signal.pause()
