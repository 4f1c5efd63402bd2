"""Owns the command line. Exit codes: 0 done, 1 a problem was found, 2 wrong usage. Refuses to print a secret.

Every command loads only what it needs, so that `broker --help` is quick.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from broker.domain.errors import BrokerError

T = TypeVar("T")

_config = click.option(
    "--config",
    envvar="BROKER_CONFIG",
    type=click.Path(path_type=Path),
    default=Path("broker.toml"),
    show_default=True,
    help="The settings file.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")


@click.group()
def cli() -> None:
    """The Partner Ops identity broker."""


@cli.group()
def keys() -> None:
    """Keyrings."""


def main() -> None:
    """Entry point of the `broker` script."""
    cli()


@cli.command()
@_config
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on.")
def serve(config: Path, host: str, port: int) -> None:
    """Serve the broker until SIGTERM or Ctrl-C; requests in flight are finished first."""
    from broker.app import create_app, opened
    from broker.crypto.process import no_core_dumps
    from broker.web.serving import listen, run

    no_core_dumps()
    settings = _settings(config)

    async def prove() -> None:
        async with opened(settings):
            pass

    _guarded(prove())
    try:
        socket = listen(host, port)
    except OSError as error:
        _fail([f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."])
    run(create_app(settings), socket)


@cli.command()
def demo() -> None:
    """Serve a broker with a demo Provider, Application and downstream service, on embedded defaults."""
    from broker.demo.run import run_demo

    sys.exit(run_demo(os.environ))


@cli.command()
@_config
@_as_json
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
@_config
def migrate(config: Path) -> None:
    """Bring the database to this version's schema."""
    from broker.storage.migrate import migrate as bring_up

    done = _guarded(bring_up(_settings(config).database_url))
    click.echo("\n".join(f"applied {revision}" for revision in done) or "Nothing to do.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@_config
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@_as_json
def apply(file: Path, config: Path, dry_run: bool, as_json: bool) -> None:
    """Make what FILE declares true: it is the whole truth, so what it does not name is removed."""
    from broker.app import apply_file

    differences = _guarded(apply_file(_settings(config), file, dry_run=dry_run))
    if as_json:
        document = [{"sign": d.sign, "what": d.what, "detail": d.detail} for d in differences]
        click.echo(json.dumps({"dry_run": dry_run, "differences": document}))
    else:
        for difference in differences:
            click.echo(str(difference))
        verb = "would change" if dry_run else "changed"
        click.echo(f"{len(differences)} {verb}." if differences else "Nothing to change.")


@keys.command("new")
def keys_new() -> None:
    """Print a new keyring, to be kept secret and backed up apart from the database."""
    from broker.crypto.keyring import new_keyring

    if sys.stdout.isatty():
        click.echo("Redirect this to a file that only the broker can read.", err=True)
    click.echo(new_keyring())


def _settings(config: Path) -> Any:
    from broker.settings.load import load
    from broker.settings.model import SettingsProblems

    try:
        return load(config)
    except SettingsProblems as error:
        _fail(error.problems)


def _guarded(work: Coroutine[Any, Any, T]) -> T:
    from broker.app import NotReady
    from broker.crypto.keyring import KeyringRefused
    from broker.domain.manifest import ManifestProblems

    try:
        return asyncio.run(work)
    except (NotReady, KeyringRefused, ManifestProblems) as error:
        _fail(error.problems)
    except BrokerError as error:
        _fail([error.detail or error.sentence])


def _fail(problems: Any) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
