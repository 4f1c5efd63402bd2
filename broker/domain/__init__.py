"""Nouns and rules. Pure: refuses I/O, clocks, randomness and every third-party library."""
