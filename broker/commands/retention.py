"""Owns `broker retention`: how long what is kept, and having go what is over. Refuses to touch whoever is held."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from broker.commands.frame import columns, config_option, fail, guarded, json_option, settings_of


@click.group()
def retention() -> None:
    """How long what nobody uses is kept, and having it go."""


@retention.command("show")
@config_option
@json_option
def retention_show(config: Path, as_json: bool) -> None:
    """Show for how many days each class of data is kept. Reads the policy alone."""
    rules = settings_of(config).policy.retention
    classes: dict[str, int | None] = {
        "sessions": rules.sessions,
        "idle_tokens": rules.idle_tokens,
        "idle_users": rules.idle_users,
        "ledger": rules.ledger,
    }
    laws = {
        name: {"days": max(law.days, rules.ledger or 0), "actions": sorted(law.actions), "ground": law.ground}
        for name, law in sorted(rules.by_law.items())
        if rules.ledger is not None
    }
    if as_json:
        click.echo(json.dumps({"days": classes, "by_law": laws}))
        return
    rows = [(name, "unlimited" if days is None else f"{days} days", "") for name, days in classes.items()]
    rows += [(f"ledger, {name}", f"{law['days']} days", str(law["ground"])) for name, law in laws.items()]
    columns([("CLASS", "KEPT FOR", "BY LAW"), *rows])


@retention.command("run")
@config_option
@click.option("--dry-run", is_flag=True, help="Only count; change nothing.")
@json_option
def retention_run(config: Path, dry_run: bool, as_json: bool) -> None:
    """Have go what is over. `broker serve` does so by itself."""
    from broker.operate_retention import retain_now

    def told(so_far: Any) -> None:
        if not so_far.is_ours:
            click.echo("another process is at it", err=True)

    done = guarded(retain_now(settings_of(config), dry_run=dry_run, told=told))
    if as_json:
        counts = {name: count for name, count in asdict(done).items() if name != "is_ours"}
        click.echo(json.dumps({"dry_run": dry_run, **counts}))
    else:
        verb = "would go" if dry_run else "went"
        click.echo(
            f"{done.sessions} Sessions with {done.grants} grants, the tokens of {done.tokens} Connections and "
            f"{done.events} events {verb}. {done.idle_users} Users are idle."
        )
    if done.unreadable:
        fail([f"{connection_id} does not open, and was left as it is" for connection_id in done.unreadable])
