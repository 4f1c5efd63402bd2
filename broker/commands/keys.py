"""Owns `broker keys`: the keyring is made here, and signing keys are looked after. Refuses to print a private key."""

from __future__ import annotations

import json
import sys
from collections.abc import Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from broker.commands.frame import config_option, fail, guarded, json_option, settings_of
from broker.domain.errors import Refusal
from broker.domain.signing_key import ALGORITHMS, TooEarly

if TYPE_CHECKING:
    from broker.operate_keys import KeyShown

T = TypeVar("T")

# A key's name is base64url, and may begin with a dash.
_any_name = {"ignore_unknown_options": True}


@click.group()
def keys() -> None:
    """Keyrings, and the keys that sign tokens."""


@keys.command("new")
def keys_new() -> None:
    """Print a new keyring, to be kept secret and backed up apart from the database."""
    from broker.crypto.keyring import new_keyring

    if sys.stdout.isatty():
        click.echo("Redirect this to a file that only the broker can read.", err=True)
    click.echo(new_keyring())


@keys.command("list")
@config_option
@json_option
def keys_list(config: Path, as_json: bool) -> None:
    """List the signing keys, and where each one stands."""
    from broker.operate_keys import list_keys

    found = guarded(list_keys(settings_of(config)))
    if as_json:
        click.echo(json.dumps({"keys": [asdict(key) for key in found]}))
    else:
        click.echo("\n".join(map(_line, found)) or "There is no signing key: the first start makes one.")


@keys.command("add")
@config_option
@click.option("--algorithm", type=click.Choice(ALGORITHMS), help="Instead of the default of the settings.")
@json_option
def keys_add(config: Path, algorithm: str | None, as_json: bool) -> None:
    """Make a signing key, and publish it: it waits until it is promoted, or its time has come."""
    from broker.operate_keys import add_key

    made = _asked(add_key(settings_of(config), algorithm))
    click.echo(json.dumps(asdict(made)) if as_json else _line(made))


@keys.command("promote", context_settings=_any_name)
@click.argument("kid")
@config_option
@json_option
def keys_promote(kid: str, config: Path, as_json: bool) -> None:
    """Have the pending key KID sign from now on; the one that did retires."""
    from broker.operate_keys import promote_key

    _asked(promote_key(settings_of(config), kid))
    _tell_who_signs(kid, as_json)


@keys.command("retire", context_settings=_any_name)
@click.argument("kid")
@config_option
@json_option
def keys_retire(kid: str, config: Path, as_json: bool) -> None:
    """Have the key KID sign nothing more; the pending one takes over, and what KID signed stays good."""
    from broker.operate_keys import retire_key

    _tell_who_signs(_asked(retire_key(settings_of(config), kid)), as_json)


@keys.command("revoke", context_settings=_any_name)
@click.argument("kid")
@config_option
@json_option
def keys_revoke(kid: str, config: Path, as_json: bool) -> None:
    """In an emergency: have the key KID, and all that it signed, count for nothing. Another takes over at once."""
    from broker.operate_keys import revoke_key

    _tell_who_signs(_asked(revoke_key(settings_of(config), kid)), as_json)


def _asked(work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to; a refusal is told in whole, and when it will be none."""

    async def told() -> T:
        try:
            return await work
        except TooEarly as error:
            fail([f"{error.detail}: {error.sentence} It may sign from {_time(error.may_sign_from)} on."])
        except Refusal as error:
            fail([f"{error.sentence} ({error.detail})"])

    return guarded(told())


def _tell_who_signs(kid: str | None, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"signs": kid}))
    else:
        click.echo(f"{kid} signs now." if kid else "No other key had to take over.")


def _line(key: KeyShown) -> str:
    when = f"made {_time(key.created_at)}"
    if key.may_sign_from is not None:
        when += f", may sign from {_time(key.may_sign_from)}"
    if key.active_since is not None:
        when += f", signs since {_time(key.active_since)}" if key.gone_from is None else ""
    if key.gone_from is not None:
        when += f", gone from {_time(key.gone_from)}"
    return f"{key.kid}  {key.alg}  {key.state}  {when}"


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
