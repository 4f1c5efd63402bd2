"""Owns what every command has: where its settings are, how data is printed, and how it ends with a problem.

Refuses to show a traceback for what an operator can mend.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from broker.domain.errors import BrokerError

T = TypeVar("T")

config_option = click.option(
    "--config",
    envvar="BROKER_CONFIG",
    type=click.Path(path_type=Path),
    default=Path("broker.toml"),
    show_default=True,
    help="The settings file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")


def settings_of(config: Path) -> Any:
    """The settings in `config`; with any problem the command ends."""
    from broker.settings.load import load
    from broker.settings.model import SettingsProblems

    try:
        return load(config)
    except SettingsProblems as error:
        fail(error.problems)


def guarded(work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to; the command ends with what is wrong, one line each."""
    from broker.app import NotReady
    from broker.crypto.keyring import KeyringRefused
    from broker.domain.manifest import ManifestProblems

    try:
        return asyncio.run(work)
    except (NotReady, KeyringRefused, ManifestProblems) as error:
        fail(error.problems)
    except BrokerError as error:
        fail([error.detail or error.sentence])


def fail(problems: Iterable[str]) -> NoReturn:
    """End with exit code 1."""
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1)


def columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the cells of each below those of the one before."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def moment(seconds: int) -> str:
    """A time, UTC, for a column."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
