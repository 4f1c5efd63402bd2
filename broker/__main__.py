"""Owns the command line. Exit codes: 0 done, 1 a problem was found, 2 wrong usage. Refuses to print a secret.

Every command loads only what it needs, so that `broker --help` is quick.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from broker.commands.export import export
from broker.commands.frame import config_option, fail, guarded, json_option, settings_of
from broker.commands.holds import holds
from broker.commands.keys import keys
from broker.commands.ledger import ledger
from broker.commands.policy import policy
from broker.commands.privacy import erase, prove_minimal
from broker.commands.retention import retention
from broker.commands.sessions import sessions
from broker.commands.users import users
from broker.crypto.process import no_core_dumps


@click.group()
def cli() -> None:
    """The Partner Ops identity broker."""


@cli.group()
def vault() -> None:
    """Where Users' data is sealed: its key-encryption keys (KEKs) and data keys."""


cli.add_command(export)
cli.add_command(keys)
cli.add_command(ledger)
cli.add_command(policy)
cli.add_command(holds)
cli.add_command(retention)
cli.add_command(prove_minimal)
cli.add_command(erase)
cli.add_command(sessions)
cli.add_command(users)


def main() -> None:
    """Entry point of the `broker` script. Any command may come to hold keys."""
    no_core_dumps()
    cli()


@cli.command()
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on.")
def serve(config: Path, host: str, port: int) -> None:
    """Serve the broker until SIGTERM or Ctrl-C; requests in flight are finished first."""
    from broker.app import create_app, opened
    from broker.web.serving import listen, run

    settings = settings_of(config)

    async def prove() -> None:
        async with opened(settings):
            pass

    guarded(prove())
    try:
        socket = listen(host, port)
    except OSError as error:
        fail([f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."])
    run(create_app(settings), socket)


@cli.command()
def demo() -> None:
    """Serve a broker with a demo Provider, Application and downstream service, on embedded defaults."""
    from broker.demo.run import run_demo

    sys.exit(run_demo(os.environ))


@cli.command()
@config_option
@json_option
def check(config: Path, as_json: bool) -> None:
    """Find every problem of settings, policy, keys and database, all at once."""
    from broker.app import problems_of

    problems = asyncio.run(problems_of(config))
    if as_json:
        click.echo(json.dumps({"problems": problems}))
    else:
        for problem in problems:
            click.echo(problem, err=True)
        if not problems:
            click.echo("No problem found.")
    sys.exit(1 if problems else 0)


@cli.command()
@config_option
def migrate(config: Path) -> None:
    """Bring the database to this version's schema."""
    from broker.storage.migrate import migrate as bring_up

    done = guarded(bring_up(settings_of(config).database_url))
    click.echo("\n".join(f"applied {revision}" for revision in done) or "Nothing to do.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@json_option
def apply(file: Path, config: Path, dry_run: bool, as_json: bool) -> None:
    """Make what FILE declares true: it is the whole truth, so what it does not name is removed."""
    from broker.app import apply_file

    applied = guarded(apply_file(settings_of(config), file, dry_run=dry_run))
    if as_json:
        document = [{"sign": d.sign, "what": d.what, "detail": d.detail} for d in applied.differences]
        click.echo(json.dumps({"dry_run": dry_run, "differences": document, "warnings": applied.warnings}))
        return
    for difference in applied.differences:
        click.echo(str(difference))
    verb = "would change" if dry_run else "changed"
    click.echo(f"{len(applied.differences)} {verb}." if applied.differences else "Nothing to change.")
    for warning in applied.warnings:
        click.echo(f"Warning: {warning}", err=True)


@vault.command("status")
@config_option
@json_option
def vault_status(config: Path, as_json: bool) -> None:
    """List the KEKs, with the number of data keys that each one wraps."""
    from dataclasses import asdict

    from broker.operate import vault_status as status

    uses = guarded(status(settings_of(config)))
    if as_json:
        click.echo(json.dumps({"keks": [asdict(use) for use in uses]}))
    else:
        for use in uses:
            place = "wraps new data keys" if use.first else "in the keyring" if use.listed else "MISSING in the keyring"
            click.echo(f"{use.id}  {use.data_keys}  {place}")
    sys.exit(1 if any(use.data_keys and not use.listed for use in uses) else 0)


@vault.command("rotate")
@config_option
@click.option("--rate", type=click.IntRange(50), default=5000, show_default=True, help="Data keys a second, at most.")
def vault_rotate(config: Path, rate: int) -> None:
    """Have every data key wrapped by the first KEK of the keyring, while the broker serves."""
    import time

    from broker.operate import rotate

    said = 0.0

    def told(so_far: Any) -> None:
        nonlocal said
        if time.monotonic() - said >= 1.0:
            said = time.monotonic()
            done = f"{so_far.moved} data keys moved" if so_far.is_ours else "another process is moving them"
            click.echo(f"{done}, {so_far.left} left", err=True)

    done = guarded(rotate(settings_of(config), rate=rate, told=told))
    click.echo(f"{done.moved} data keys moved to {done.kek_id}." if done.moved else "Nothing to move.")
    if done.unreadable:
        fail([f"data key {key_id} does not unwrap, and was left as it is" for key_id in done.unreadable])


@vault.command("rekey")
@click.argument("user")
@config_option
def vault_rekey(user: str, config: Path) -> None:
    """Give USER a new data key: what is kept of them is sealed anew, and the old key destroyed."""
    from broker.operate import rekey_user

    click.echo(f"{user} has the data key {guarded(rekey_user(settings_of(config), user)).id} now.")


@vault.command("retire")
@click.argument("kek")
@config_option
def vault_retire(kek: str, config: Path) -> None:
    """Say whether KEK can be taken out of the keyrings, and if not, what still needs it."""
    from broker.operate import retire

    answer = guarded(retire(settings_of(config), kek))
    click.echo(answer.sentence, err=not answer.may_go)
    sys.exit(0 if answer.may_go else 1)


@vault.command("new-kek")
@click.argument("kek")
def vault_new_kek(kek: str) -> None:
    """Print a new entry for "keks" in a keyring, such as KEK local:main:2, to be kept secret."""
    from broker.crypto.keyring import KeyringRefused, new_kek

    try:
        click.echo(new_kek(kek))
    except KeyringRefused as error:
        fail(error.problems)


if __name__ == "__main__":
    main()
