"""Owns what a process that holds keys asks of its operating system. Refuses core dumps: they would hold every key."""

from __future__ import annotations

import resource


def no_core_dumps() -> None:
    """Set the size limit of core files to zero, for this process and its children, for good (setrlimit(2)).

    Where core dumps are piped to a program (core(5)), that program has to respect the limit; systemd-coredump does.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
