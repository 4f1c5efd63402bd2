"""Owns `broker ledger`: the ledger is shown, proven, and what is signed of it exported. Refuses to change it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broker.commands.frame import columns, config_option, fail, guarded, json_option, moment, settings_of

if TYPE_CHECKING:
    from broker.flows.ledger.show import Shown

_file = click.Path(path_type=Path)
_HEADINGS = ("ID", "AT (UTC)", "ACTION", "OUTCOME", "REASON", "USER", "APPLICATION", "OBJECT", "RELEASED", "FROM")
_DISCLOSED = ("AT (UTC)", "APPLICATION", "ATTRIBUTES", "GROUND", "CLIENT", "GRANT", "POLICY")


@click.group()
def ledger() -> None:
    """What was done and refused: look at it, and prove that it is whole."""


@ledger.command()
@config_option
@click.option("--head", "head_file", type=_file, help="A head that was exported before, to be found in the chain.")
@json_option
def verify(config: Path, head_file: Path | None, as_json: bool) -> None:
    """Read all of the ledger, and name the first event that is changed, removed, inserted or out of its order."""
    from dataclasses import asdict

    from broker.operate_ledger import verify_ledger

    found = guarded(verify_ledger(settings_of(config), _text(head_file)))
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        for problem in found.problems:
            click.echo(problem, err=True)
        pruned = f", {found.missing} of them pruned up to position {found.pruned}" if found.pruned else ""
        unproven = f", {found.unproven} by keys that are forgotten by now" if found.unproven else ""
        click.echo(f"{found.position} events are as they were chained{pruned}. {found.left} are not chained yet.")
        click.echo(f"{found.heads} signed heads agree{unproven}.")
    sys.exit(1 if found.problems else 0)


@ledger.command()
@config_option
@json_option
def head(config: Path, as_json: bool) -> None:
    """Print the newest signed head, to be kept where whoever can change the database cannot."""
    from broker.operate_ledger import newest_head

    found = guarded(newest_head(settings_of(config)))
    if found is None:
        fail(["nothing is signed yet: the broker signs a minute after it has begun to serve"])
    document = {"position": found.position, "at": found.at, "signed": found.signed}
    click.echo(json.dumps(document) if as_json else found.signed)


@ledger.command()
@config_option
@click.option("--user", help="Only what is about this User, by their id or e-mail address.")
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Go on after the event of this id.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Events, at most.")
@click.option("--values", "with_values", is_flag=True, help="Open what is sealed too.")
@json_option
def show(config: Path, user: str | None, after: int, limit: int, with_values: bool, as_json: bool) -> None:
    """Print events in their order. The id of the last one is where to go on."""
    from broker.operate_ledger import show_ledger

    found = guarded(show_ledger(settings_of(config), user, after=after, limit=limit, with_values=with_values))
    if as_json:
        click.echo(json.dumps({"events": [_document(one) for one in found]}))
    elif found:
        columns([_HEADINGS, *(_line(one) for one in found)])


@ledger.command()
@click.argument("user")
@config_option
@json_option
def disclosures(user: str, config: Path, as_json: bool) -> None:
    """List which of USER's attributes were told to whom, when, and on what ground."""
    from dataclasses import asdict

    from broker.operate_ledger import disclosures_of

    found = guarded(disclosures_of(settings_of(config), user))
    if as_json:
        click.echo(json.dumps({"disclosures": [{"user": who} | asdict(one) for who, all_ in found for one in all_]}))
        return
    for who, told in found:
        click.echo(f"{who}: {len(told)} disclosures")
        if told:
            rows = [
                (
                    *(moment(d.at), d.application_id, ",".join(d.attributes), d.ground),
                    *(d.client_org or "-", d.grant_id, d.policy[:12] or "-"),
                )
                for d in told
            ]
            columns([_DISCLOSED, *rows])


def _text(head_file: Path | None) -> str | None:
    """What was exported: the signed text itself, or the JSON that has it."""
    if head_file is None:
        return None
    try:
        text = head_file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        fail([f"{head_file}: cannot be read ({type(error).__name__})"])
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return str(document.get("signed")) if isinstance(document, dict) else text


def _line(shown: Shown) -> tuple[str, ...]:
    event = shown.entry.event
    sealed = "" if event.sealed is None else "sealed"
    return (
        *(str(shown.entry.id), moment(event.at), event.action, event.outcome, event.reason, event.user_id or ""),
        *(event.application_id or "", event.object_id or "", ",".join(event.released), shown.address or sealed),
    )


def _document(shown: Shown) -> dict[str, Any]:
    event = shown.entry.event
    names = ("at", "action", "outcome", "reason", "request_id", "user_id", "application_id", "registration")
    document = {"id": shown.entry.id} | {name: getattr(event, name) for name in (*names, "client_org", "object_id")}
    document |= {"released": event.released, "ground": event.ground, "sealed": event.sealed is not None}
    return document | ({} if shown.address is None else {"from": shown.address})
