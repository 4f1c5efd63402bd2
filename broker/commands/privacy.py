"""Owns `broker prove-minimal`: the proof of what is kept. Refuses to print a value of anybody's."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from broker.commands.frame import config_option, fail, guarded, settings_of

if TYPE_CHECKING:
    from broker.domain.minimality import Tally


@click.command("prove-minimal")
@config_option
@click.option("--verify", type=click.Path(path_type=Path), help="Say whether this report is ours, and unchanged.")
def prove_minimal(config: Path, verify: Path | None) -> None:
    """Read every row, open every sealed value, and judge each by the policy in force: a signed report, as JSON.

    Exit code 1 when anything is kept that should not be: the report names where.
    """
    from broker.operate_privacy import is_ours, prove

    settings = settings_of(config)
    if verify is not None:
        if not guarded(is_ours(settings, "report", verify)):
            fail([f"{verify}: is no report of this broker's, or was changed, or its signing key is gone"])
        click.echo("It is ours, and unchanged.")
        return
    whole = guarded(prove(settings, _Progress().told))
    click.echo(json.dumps(whole, indent=2))
    sys.exit(1 if whole["report"]["outside_policy"] else 0)


class _Progress:
    """Says on standard error how far it is, once a second."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def told(self, tally: Tally) -> None:
        if time.monotonic() - self._said >= 1.0:
            self._said = time.monotonic()
            click.echo(f"{tally.rows.total()} rows read, {tally.opened} values opened", err=True)
