"""Speaks to Providers: asks, redeems, verifies, revokes. Refuses to pass on anything that was not verified.

Reads from the bottom up: addresses, http, line, metadata, keys, id_token; then the verbs; `gateway.py` is the port.
"""
