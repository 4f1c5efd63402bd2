"""Owns `broker sessions`: where a User is signed in, and ending that. Refuses to print what was kept of the person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broker.commands.frame import columns, config_option, guarded, json_option, moment, settings_of

if TYPE_CHECKING:
    from broker.flows.sessions.look import SeenSession

_HEADINGS = ("SESSION", "STATE", "BEGAN (UTC)", "LAST SEEN (UTC)", "BROWSER", "APPLICATIONS")


@click.group()
def sessions() -> None:
    """Where Users are signed in, and what Applications have from there."""


@sessions.command("list")
@click.argument("user")
@config_option
@json_option
def sessions_list(user: str, config: Path, as_json: bool) -> None:
    """List the Sessions of USER, and the Applications that have something of each which works.

    USER is a User's id, or an e-mail address by which a Client invited them.
    """
    from broker.operate_users import list_sessions

    found = guarded(list_sessions(settings_of(config), user))
    if as_json:
        users = [
            {"user_id": who.id, "status": who.status, "sessions": [_document(one) for one in seen]}
            for who, seen in found
        ]
        click.echo(json.dumps({"users": users}))
        return
    for who, seen in found:
        click.echo(f"{who.id}: {who.status}, {len(seen)} Sessions")
        if seen:
            columns([_HEADINGS, *map(_cells, seen)])


@sessions.command("end")
@click.argument("user")
@click.option("--session", "session", help="This Session alone, by its id. Default: all of them.")
@config_option
@json_option
def sessions_end(user: str, session: str | None, config: Path, as_json: bool) -> None:
    """End the Sessions of USER, and whatever Applications have from them, also while the person is away."""
    from broker.domain.ids import SessionId
    from broker.operate_users import end_sessions_of

    which = None if session is None else SessionId(session)
    user_id, ended = guarded(end_sessions_of(settings_of(config), user, which))
    if as_json:
        click.echo(json.dumps({"user_id": user_id, "ended": ended}))
    else:
        click.echo(f"{user_id}: {len(ended)} Sessions ended." if ended else f"{user_id}: there was none to end.")


def _document(one: SeenSession) -> dict[str, Any]:
    return {
        "session_id": one.session.id,
        "signed_in": one.signed_in,
        "auth_time": one.session.auth_time,
        "last_seen_at": one.session.last_seen_at,
        "browser": one.session.browser,
        "connection_id": one.session.connection_id,
        "applications": one.applications,
    }


def _cells(one: SeenSession) -> tuple[str, ...]:
    return (
        one.session.id,
        "signed in" if one.signed_in else "over, but for Applications",
        moment(one.session.auth_time),
        moment(one.session.last_seen_at),
        one.session.browser,
        ", ".join(one.applications) or "-",
    )
