"""Owns `broker export`: everything that is kept of a User, for those who ask by post. Refuses to write over a file."""

from __future__ import annotations

from pathlib import Path

import click

from broker.commands.frame import config_option, fail, guarded, settings_of

_file = click.Path(path_type=Path)


@click.command()
@click.argument("user", required=False)
@click.option("--output", type=_file, help="Write there, for its owner alone; without it, print.")
@click.option("--verify", "shown", type=_file, metavar="FILE", help="Check the signature of an archive instead.")
@config_option
def export(user: str | None, output: Path | None, shown: Path | None, config: Path) -> None:
    """Make the signed archive of everything that is kept of USER; the ledger gets a line about it.

    USER is a User's id, or an e-mail address by which a Client invited them.
    """
    if (user is None) is (shown is None) or (shown is not None and output is not None):
        raise click.UsageError("name a USER, or --verify a FILE alone")
    if shown is not None:
        _verify(shown, config)
        return
    from broker.operate_data import export_user

    settings = settings_of(config)
    if output is not None and output.exists():
        fail([f"{output} is there already"])
    content = guarded(export_user(settings, user or "")).to_bytes()
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        output.touch(mode=0o600, exist_ok=False)
        output.write_bytes(content)
    except OSError as error:
        fail([f"{output} cannot be written: {error.strerror}"])
    click.echo(f"{output} holds everything that is kept of {user}.")


def _verify(shown: Path, config: Path) -> None:
    from broker.domain.archive import ArchiveRefused, read
    from broker.operate_data import is_genuine

    try:
        signed = read(shown.read_bytes())
    except OSError as error:
        fail([f"{shown} cannot be read: {error.strerror}"])
    except ArchiveRefused as refused:
        fail([f"{shown} {refused}"])
    if not guarded(is_genuine(settings_of(config), signed)):
        fail([f"{shown} was changed, or no key signed it that this broker still knows"])
    click.echo(f"{shown} is as this broker made it.")
