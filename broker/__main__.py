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
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from broker.domain.errors import BrokerError

T = TypeVar("T")

cli = typer.Typer(
    name="broker",
    help="The Partner Ops identity broker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="Keyrings.", no_args_is_help=True)
cli.add_typer(keys, name="keys")

Config = Annotated[Path, typer.Option("--config", envvar="BROKER_CONFIG", help="The settings file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print data as JSON.")]
_DEFAULT = Path("broker.toml")


def main() -> None:
    """Entry point of the `broker` script."""
    cli()


@cli.command()
def serve(
    config: Config = _DEFAULT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
) -> None:
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

    raise typer.Exit(run_demo(os.environ))


@cli.command()
def check(config: Config = _DEFAULT, as_json: AsJson = False) -> None:
    """Find every problem of settings, policy, keys and database, all at once."""
    from broker.app import problems_of

    problems = asyncio.run(problems_of(config))
    if as_json:
        typer.echo(json.dumps({"problems": problems}))
    else:
        for problem in problems:
            typer.echo(problem, err=True)
        if not problems:
            typer.echo("No problem found.")
    raise typer.Exit(1 if problems else 0)


@cli.command()
def migrate(config: Config = _DEFAULT) -> None:
    """Bring the database to this version's schema."""
    from broker.storage.migrate import migrate as bring_up

    done = _guarded(bring_up(_settings(config).database_url))
    typer.echo("\n".join(f"applied {revision}" for revision in done) or "Nothing to do.")


@cli.command()
def apply(
    file: Annotated[Path, typer.Argument(help="Clients, Applications and Authorizations (TOML).")],
    config: Config = _DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the difference.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make what FILE declares true: it is the whole truth, so what it does not name is removed."""
    from broker.app import apply_file

    differences = _guarded(apply_file(_settings(config), file, dry_run=dry_run))
    if as_json:
        document = [{"sign": d.sign, "what": d.what, "detail": d.detail} for d in differences]
        typer.echo(json.dumps({"dry_run": dry_run, "differences": document}))
    else:
        for difference in differences:
            typer.echo(str(difference))
        verb = "would change" if dry_run else "changed"
        typer.echo(f"{len(differences)} {verb}." if differences else "Nothing to change.")


@keys.command("new")
def keys_new() -> None:
    """Print a new keyring, to be kept secret and backed up apart from the database."""
    from broker.crypto.keyring import new_keyring

    if sys.stdout.isatty():
        typer.echo("Redirect this to a file that only the broker can read.", err=True)
    typer.echo(new_keyring())


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
        typer.echo(problem, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
