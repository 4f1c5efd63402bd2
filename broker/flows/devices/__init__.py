"""Letting devices in that have no browser (RFC 8628)."""
