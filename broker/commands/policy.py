"""Owns `broker policy`: the attribute policy is looked at, compared, tried. Refuses to print a value that it drops."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broker.commands.frame import columns, config_option, fail, guarded, json_option, moment, settings_of

if TYPE_CHECKING:
    from broker.domain.policy_table import PolicyRow
    from broker.flows.privacy.explain import ExplainedAttribute, ExplainedConnection

_HEADINGS = ("REGISTRATION", "ATTRIBUTE", "FROM", "KEPT FOR", "RELEASED UNDER", "RELEASED FOR", "NARROWED BY")
_EXPLAINED = ("ATTRIBUTE", "SINCE (UTC)", "UNTIL (UTC)", "KEPT FOR", "TERMS", "ALLOWED BY", "TOLD TO", "VALUE")
_WIDENS = "It keeps or releases more of somebody, longer, or for another purpose."
_file = click.Path(path_type=Path)


@click.group()
def policy() -> None:
    """Which attributes are kept and released, and what for."""


@policy.command()
@config_option
@json_option
def lint(config: Path, as_json: bool) -> None:
    """Find every problem of the policy alone; no secret, keyring or database is needed for it."""
    from broker.settings.model import SettingsProblems
    from broker.settings.policy_file import policy_alone

    problems: Sequence[str] = ()
    try:
        policy_alone(config)
    except SettingsProblems as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"problems": problems}))
        sys.exit(1 if problems else 0)
    if problems:
        fail(problems)
    click.echo("No problem found.")


@policy.command()
@config_option
@json_option
def show(config: Path, as_json: bool) -> None:
    """Show what may be kept: from which claim, what for, how it is released, and which Clients leave it out."""
    from broker.operate_policy import policy_rows

    rows = policy_rows(_alone(config))
    if as_json:
        click.echo(json.dumps({"attributes": [asdict(row) for row in rows]}))
    elif rows:
        columns([_HEADINGS, *map(_cells, rows)])
    else:
        click.echo("Nothing is kept.")


@policy.command()
@click.argument("old", type=_file)
@click.argument("new", type=_file)
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Compare two policy files. Exit code 1 when NEW widens: more of anybody, longer, or for another purpose."""
    from broker.domain.policy_diff import differences
    from broker.domain.policy_rules_diff import rule_differences
    from broker.settings.model import SettingsProblems
    from broker.settings.policy_file import policy_of_any_deployment

    try:
        before, after = policy_of_any_deployment(old), policy_of_any_deployment(new)
    except SettingsProblems as error:
        fail(error.problems)
    attributes, rules = differences(before, after), rule_differences(before, after)
    widens = any(d.widens for d in attributes) or any(d.widens for d in rules)
    if as_json:
        listed = [{"sign": d.sign, "widens": d.widens, **asdict(d)} for d in attributes]
        ruled = [{"sign": d.sign, **asdict(d)} for d in rules]
        click.echo(json.dumps({"widens": widens, "differences": listed, "rules": ruled}, default=sorted))
    else:
        for line in (*map(str, attributes), *map(str, rules)):
            click.echo(line)
        click.echo(_WIDENS if widens else "It does not widen." if attributes or rules else "No difference.")
    sys.exit(1 if widens else 0)


@policy.command("try")
@click.argument("registration")
@click.argument("profile", type=_file)
@click.option("--client", "clients", multiple=True, help="A Client that the User acts for; several may be given.")
@config_option
@json_option
def try_(registration: str, profile: Path, clients: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Say what would be kept of the JSON document PROFILE after a sign-in, and why the rest would not. Keeps nothing.

    PROFILE holds claims as an OpenID Provider tells them, or the answers of another Provider's API by their names.
    """
    from broker.domain.ids import ClientOrgId, RegistrationId
    from broker.operate_policy import NotAProfile, try_profile

    alone, of = _alone(config), RegistrationId(registration)
    if of not in alone.providers:
        raise click.BadParameter(f"there are {', '.join(alone.providers)}", param_hint="REGISTRATION")
    try:
        found = try_profile(alone, of, profile, tuple(map(ClientOrgId, clients)))
    except NotAProfile as error:
        fail([f"{profile}: {error}"])
    if as_json:
        click.echo(json.dumps({"tried": [asdict(one) for one in found]}))
        return
    columns(
        [(one.fate.replace("_", " "), _line(one.name), _line(one.value or "-"), one.why) for one in found]
        or [("There is nothing to keep or to drop.",)]
    )


@policy.command("purge")
@config_option
@click.option("--dry-run", is_flag=True, help="Only count; change nothing.")
@json_option
def purge_(config: Path, dry_run: bool, as_json: bool) -> None:
    """Drop whatever is kept and the policy does not allow any more. `broker serve` does so by itself."""
    from broker.operate_policy import purge_now

    def told(so_far: Any) -> None:
        if not so_far.is_ours:
            click.echo("another process is at it", err=True)

    done = guarded(purge_now(settings_of(config), dry_run=dry_run, told=told))
    dropped = [
        {"registration": registration, "attribute": attribute, "count": count}
        for (registration, attribute), count in sorted(done.dropped.items())
    ]
    if as_json:
        counts = {
            "dry_run": dry_run,
            "looked_at": done.looked_at,
            "connections": done.connections,
            "tokens": done.tokens,
        }
        click.echo(json.dumps({**counts, "dropped": dropped, "unreadable": done.unreadable}))
    else:
        for one in dropped:
            click.echo(f"[{one['registration']}] {one['attribute']}  {one['count']}")
        verb = "would go" if dry_run else "went"
        counted = f"{done.attributes} values of {done.connections} Connections {verb}; {done.looked_at} were looked at."
        click.echo(counted if dropped else f"Nothing to drop; {done.looked_at} Connections were looked at.")
        if done.tokens:
            click.echo(f"{done.tokens} Connections' tokens {verb} with that: their scopes are not asked for any more.")
    if done.unreadable:
        fail([f"{connection_id} does not open, and was left as it is" for connection_id in done.unreadable])


@policy.command("explain")
@click.argument("user")
@config_option
@click.option("--values", "with_values", is_flag=True, help="Print the values too; the ledger gets a line about it.")
@json_option
def explain_(user: str, config: Path, with_values: bool, as_json: bool) -> None:
    """Say what is kept of USER, since when, what for, and which Applications were told.

    USER is a User's id, or an e-mail address by which a Client invited them.
    """
    from broker.operate_policy import explain_users

    found = guarded(explain_users(settings_of(config), user, with_values=with_values))
    if as_json:
        users = [
            {"user_id": user_id, "connections": [_connection(one, with_values=with_values) for one in connections]}
            for user_id, connections in found.items()
        ]
        click.echo(json.dumps({"users": users}))
        return
    for user_id, connections in found.items():
        click.echo(f"{user_id}: {len(connections)} Connections")
        for one in connections:
            acts_for = ", ".join(one.clients) or "no Client"
            status = one.connection.status
            click.echo(f"\n{one.connection.id}  {one.connection.registration}, {status}, acting for {acts_for}")
            if one.attributes is None:
                click.echo("What is kept does not open.")
            elif one.attributes:
                columns([_EXPLAINED, *(_explained(a, with_values=with_values) for a in one.attributes)])
            else:
                click.echo("Nothing is kept.")


@policy.command("record")
@config_option
def record_(config: Path) -> None:
    """Print the record of processing as Markdown: purposes, attributes, recipients, how long."""
    from broker.operate_policy import record_of_processing

    click.echo(guarded(record_of_processing(settings_of(config), _alone(config))), nl=False)


def _connection(one: ExplainedConnection, *, with_values: bool) -> dict[str, Any]:
    kept = None if one.attributes is None else [asdict(attribute) for attribute in one.attributes]
    if not with_values:
        for attribute in kept or ():
            del attribute["value"]
    return {
        "connection_id": one.connection.id,
        "registration": one.connection.registration,
        "status": one.connection.status,
        "created_at": one.connection.created_at,
        "clients": one.clients,
        "attributes": kept,
    }


def _explained(attribute: ExplainedAttribute, *, with_values: bool) -> tuple[str, ...]:
    purpose = attribute.purpose or "not allowed any more: about to be erased"
    allowed, told = ", ".join(attribute.allowed_by) or "-", ", ".join(attribute.told) or "-"
    value = _line(attribute.value or "") if with_values else "(not shown)"
    until = "-" if attribute.until is None else moment(attribute.until)
    return (attribute.name, moment(attribute.since), until, _line(purpose), _terms(attribute), allowed, told, value)


def _terms(attribute: ExplainedAttribute) -> str:
    terms = [] if attribute.update in (None, "every") else [f"taken: {attribute.update}"]
    terms += [] if attribute.consent is None else [f"agreed: {attribute.consent}"]
    terms += ["corrected"] if attribute.corrected else ["correctable"] if attribute.correctable else []
    return ", ".join(terms) or "-"


def _alone(config: Path) -> Any:
    from broker.settings.model import SettingsProblems
    from broker.settings.policy_file import policy_alone

    try:
        return policy_alone(config)
    except SettingsProblems as error:
        fail(error.problems)


def _cells(row: PolicyRow) -> tuple[str, ...]:
    narrowed = [f"{c} (keep)" for c in row.not_kept_for]
    narrowed += [f"{c} (release)" for c in row.not_released_for if c not in row.not_kept_for]
    return (
        row.registration,
        row.attribute,
        row.claim,
        _line(row.purpose),
        row.scope or "-",
        _line(row.released_for or "-"),
        _line(", ".join(narrowed) or "-"),
    )


def _line(text: str) -> str:
    """As it is; escaped where it would do something to the terminal."""
    return text if text.isprintable() else json.dumps(text)
