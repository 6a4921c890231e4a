"""A TCP relay before a server that can be cut or swallow what is said; what is plugged in again goes through."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Cable:
    """Usable at once at `address`, until `close()`."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.far_end, self.ends = server, set[socket.socket]()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.server.getsockname()
        self.plugged, self.lock = True, threading.Lock()
        #: Takes what is sent and lets nothing out at the other end: a link that only looks alive. To be cut before it is used again.
        self.swallows = False
        self.relays: list[threading.Thread] = []
        self.thread = threading.Thread(target=self.accept)
        self.thread.start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.server.accept()
                self.relays = [one for one in self.relays if one.is_alive()]
                if self.plugged:
                    self.relays.append(threading.Thread(target=self.relay, args=[near]))
                    self.relays[-1].start()
                else:
                    near.close()

    def relay(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(self.far_end) as far:
            with self.lock:
                self.ends |= {near, far}
            back = threading.Thread(target=self.copy, args=[far, near])
            back.start()
            self.copy(near, far)
            back.join()
            with self.lock:
                self.ends -= {near, far}

    def copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.swallows:
                    target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Ends every connection at once; new ones are refused until `plugged` is True again."""
        self.plugged = False
        with self.lock:
            for end in self.ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self.server.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.cut()  # whoever came in last
        for one in self.relays:
            one.join()
        self.server.close()
