"""Owns what lasts: the `Store` on SQL, and rate counters.

Refuses decisions, and plaintext: it keeps what it is handed, sealed or hashed.
"""
