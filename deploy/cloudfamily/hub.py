"""hub: `cloudfamily run edge`, on a small machine at home or in a community station. Imports nothing of the platform's servers."""

from __future__ import annotations

import signal

from cloudfamily.embedded.errors import StartError
from cloudfamily_gateway.edge.run import Edge, NotConfigured
from cloudfamily_platform.core import logs
from cloudfamily_platform.core.settings import Settings

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(settings: Settings) -> None:
    """Until SIGTERM or Ctrl-C; exit code 1 when a part failed. Raises StartError."""
    logs.configure(settings.log_level, settings.log_format)
    try:
        edge = Edge(settings)
    except NotConfigured as error:
        raise StartError(str(error)) from error
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # before the threads, which inherit it: this one waits for them
    edge.start()
    while not edge.failed.is_set() and signal.sigtimedwait(SIGNALS, 1.0) is None:
        pass
    edge.stop()
    if edge.failed.is_set():
        raise SystemExit(1)
