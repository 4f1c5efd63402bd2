"""Owns `broker users`: switching a User off and on. Refuses to do so to several at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from broker.commands.frame import config_option, guarded, json_option, settings_of

if TYPE_CHECKING:
    from broker.domain.user import UserStatus


@click.group()
def users() -> None:
    """Who may sign in."""


@users.command("suspend")
@click.argument("user")
@config_option
@json_option
def users_suspend(user: str, config: Path, as_json: bool) -> None:
    """Switch USER off: nobody signs in as them, no Application gets anything, and all Sessions end.

    USER is a User's id, or an e-mail address by which a Client invited them.
    """
    from broker.domain.user import UserStatus

    _switch(user, UserStatus.SUSPENDED, config, as_json)


@users.command("restore")
@click.argument("user")
@config_option
@json_option
def users_restore(user: str, config: Path, as_json: bool) -> None:
    """Let USER sign in again. What they had before the suspension does not come back."""
    from broker.domain.user import UserStatus

    _switch(user, UserStatus.ACTIVE, config, as_json)


def _switch(user: str, status: UserStatus, config: Path, as_json: bool) -> None:
    from broker.operate_users import switch_user

    user_id, changed = guarded(switch_user(settings_of(config), user, status))
    if as_json:
        click.echo(json.dumps({"user_id": user_id, "status": status, "changed": changed}))
    else:
        click.echo(f"{user_id} is {status} now." if changed else f"{user_id} is {status} already.")
