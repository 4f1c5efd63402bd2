"""Owns the shape of secret bytes: they work as bytes, and show nothing of themselves.

Refuses to be pickled, and to be printed: tracebacks, logs and debuggers show a local variable by its `repr`.
"""

from __future__ import annotations

from typing import NoReturn, SupportsIndex


class Masked(bytes):
    """Key bytes. Whatever is cut out of them is plain again, and has to be masked anew."""

    def __repr__(self) -> str:
        return f"<{len(self)} secret bytes>"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a key is not copied out of its process")
