"""Addresses for test servers: a bound socket where the server can take one, else a port number that was free.

Never binds anything but the loopback interface.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A bound socket and the URL it answers to, known before the server that will own it is built."""

    socket: socket.socket
    name: str

    @property
    def port(self) -> int:
        """The port that the kernel chose."""
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://{self.name}:{self.port}"


def reserve(name: str = LOOPBACK) -> Place:
    """Bind a free port. Cookies ignore ports: call one of two servers by another `name`, "localhost"."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, 0))
    return Place(socket=listener, name=name)


def free_port() -> int:
    """A port that was free a moment ago, for servers that must bind it themselves and may be beaten to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port
