"""Addresses for test servers."""

from __future__ import annotations

import socket

import pytest

from tests.servers.port import LOOPBACK, free_port, reserve


def test_a_reserved_place_is_known_before_anything_listens_there() -> None:
    """The URL names the bound port, and nobody answers yet."""
    place = reserve()
    try:
        assert f"http://127.0.0.1:{place.port}" == place.url
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, place.port), timeout=1)
    finally:
        place.socket.close()


def test_a_reserved_place_cannot_be_taken_by_another() -> None:
    """Two places never share a port."""
    one, other = reserve(), reserve("localhost")
    try:
        assert one.port != other.port
        assert f"http://localhost:{other.port}" == other.url
    finally:
        one.socket.close()
        other.socket.close()


def test_a_free_port_can_be_bound() -> None:
    """Nothing listens on the port that is called free."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, free_port()))
