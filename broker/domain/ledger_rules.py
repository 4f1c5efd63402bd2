"""Owns what the policy says of the ledger: whether it remembers where somebody signed in from, and how exactly.

Refuses a whole address, whatever the policy says.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

FROM = "from"
"""The name of the address in what is sealed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerRules:
    """`address`: what a sign-in's event has, sealed, of the address that it came from."""

    address: Literal["none", "shortened"] = "none"

    def told_of(self, address: str) -> str | None:
        """What is to be sealed of this address: its network, or nothing."""
        return shortened(address) if self.address == "shortened" else None


def shortened(address: str) -> str | None:
    """The /24 of an address of IPv4, the /48 of one of IPv6; None for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))
