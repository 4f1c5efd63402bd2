"""Owns what is done about legal holds."""
