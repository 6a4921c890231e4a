"""The child process of the embedded iotcore broker: `python serve_iotcore.py FILE.toml`.

It lives as long as its standard input, a pipe from the parent: however that dies, the broker goes along.
Started by its path, so it needs nothing of ours to be importable.
"""

import logging
import os
import sys
import threading

from iotcore import IotCoreBroker


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # rumqttd wraps its routing in error-level spans, so each packet would become an error record.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    IotCoreBroker(config_path=sys.argv[1]).run_forever()


def _end_with_parent() -> None:
    try:
        sys.stdin.buffer.read()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
