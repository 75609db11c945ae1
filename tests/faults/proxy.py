"""A TCP proxy on loopback that cuts connections, and loses or delays answers, when told to."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 65536
# Closing sends RST at once: as when the other side's machine is gone.
AT_ONCE = struct.pack("ii", 1, 0)


class Proxy:
    """Stands between clients and one server; use it as a context manager."""

    def __init__(self, host: str, port: int) -> None:
        self.server = (host, port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.loses_answer = False
        self.delay = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: object, _at: TracebackType | None
    ) -> None:
        self.listener.close()
        self.cut()

    def cut(self) -> None:
        """End all connections."""
        for pair in list(self.pairs):
            self._end(pair)

    def lose_answer(self) -> None:
        """Let the next request reach the server, and end its connection instead of answering."""
        self.loses_answer = True

    def _accept(self) -> None:
        # Ends when the listener is closed.
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                try:
                    server = socket.create_connection(self.server)
                except OSError:
                    client.close()
                    continue
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.pairs.add((client, server))
                for pump in (self._carry_requests, self._carry_answers):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _carry_requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(CHUNK):
                server.sendall(data)
        self._end((client, server))

    def _carry_answers(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(CHUNK):
                if self.loses_answer:
                    self.loses_answer = False
                    break
                if self.delay:
                    time.sleep(self.delay)
                client.sendall(data)
        self._end((client, server))

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self.pairs.discard(pair)
        for each in pair:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                # Wakes the thread that waits for data, which `close` alone does not.
                each.shutdown(socket.SHUT_RDWR)
            each.close()
