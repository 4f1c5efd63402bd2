"""Owns `broker prove-minimal` and `broker erase`. Refuses to print a value of anybody's."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from broker.commands.frame import config_option, fail, guarded, json_option, moment, settings_of

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


@click.command()
@click.argument("user", required=False)
@config_option
@click.option("--now", is_flag=True, help="Without the time for second thoughts that the policy gives.")
@click.option("--verify", type=click.Path(path_type=Path), help="Say whether this receipt is ours, and unchanged.")
@json_option
def erase(user: str | None, config: Path, now: bool, verify: Path | None, as_json: bool) -> None:
    """Erase USER: everything kept of them is destroyed, their Providers are told, and a signed receipt is printed.

    USER is a User's id, or an e-mail address by which a Client invited them.
    """
    from broker.operate_privacy import erase_user, is_ours

    settings = settings_of(config)
    if verify is not None:
        if not guarded(is_ours(settings, "receipt", verify)):
            fail([f"{verify}: is no receipt of this broker's, or was changed, or its signing key is gone"])
        click.echo("It is ours, and unchanged.")
        return
    if user is None:
        raise click.UsageError("Say whom to erase, or give a receipt to --verify.")
    done = guarded(erase_user(settings, user, now=now))
    if done.receipt is not None:
        click.echo(json.dumps(done.receipt, indent=None if as_json else 2))
    elif as_json:
        click.echo(json.dumps({"user_id": done.user_id, "erase_at": done.erase_at}))
    else:
        click.echo(f"{done.user_id} is signed out everywhere, and will be erased at {moment(done.erase_at or 0)} UTC.")
