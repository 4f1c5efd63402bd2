"""Owns `broker holds`: Users of whom nothing may go. Refuses a reference that says more than a code."""

from __future__ import annotations

import json
from pathlib import Path

import click

from broker.commands.frame import columns, config_option, guarded, json_option, moment, settings_of


@click.group()
def holds() -> None:
    """Legal holds: Users of whom nothing goes by a rule of retention."""


@holds.command("list")
@config_option
@json_option
def holds_list(config: Path, as_json: bool) -> None:
    """List who is held, since when and by which reference."""
    from dataclasses import asdict

    from broker.operate_retention import list_holds

    found = guarded(list_holds(settings_of(config)))
    if as_json:
        click.echo(json.dumps({"holds": [asdict(hold) for hold in found]}))
    elif found:
        columns([("USER", "REFERENCE", "SINCE (UTC)"), *((h.user_id, h.reference, moment(h.since)) for h in found)])
    else:
        click.echo("Nobody is held.")


@holds.command("place")
@click.argument("user")
@config_option
@click.option("--reference", required=True, help="Where the reason is on file: a code, such as a file number.")
@json_option
def holds_place(user: str, config: Path, reference: str, as_json: bool) -> None:
    """Hold USER: nothing of theirs goes until the hold is lifted.

    USER is a User's id, or an e-mail address by which a Client invited them.
    """
    from dataclasses import asdict

    from broker.operate_retention import hold_user

    hold, changed = guarded(hold_user(settings_of(config), user, reference))
    if as_json:
        click.echo(json.dumps(asdict(hold) | {"changed": changed}))
    else:
        click.echo(f"{hold.user_id} is held{'' if changed else ' already'}: {hold.reference}.")


@holds.command("lift")
@click.argument("user")
@config_option
@json_option
def holds_lift(user: str, config: Path, as_json: bool) -> None:
    """Lift the hold of USER: what is over by now goes with the next run."""
    from broker.operate_retention import let_go

    user_id, before = guarded(let_go(settings_of(config), user))
    if as_json:
        click.echo(json.dumps({"user_id": user_id, "changed": before is not None}))
    else:
        click.echo(f"{user_id} was not held." if before is None else f"{user_id} is not held any more.")
