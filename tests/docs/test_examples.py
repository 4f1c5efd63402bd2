"""The examples: each loads as the product loads it, stands on a page, and every block on a page is a piece of one."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from broker.domain import manifest
from broker.domain.application import ApplicationType
from broker.domain.authorize_request import KNOWN
from broker.settings.files import resolve_secrets
from broker.settings.load import load
from tests.docs.reading import EXAMPLES, Block, blocks, examples, pages
from tests.examples.files import SECRETS, laid_out
from tests.rules.tree import text

QUOTED = tuple(blocks("toml", "python", "js", "nginx", "apache", "yaml"))


def test_one_machine_is_set_up(tmp_path: Path) -> None:
    """SQLite beside the file, no Redis, Google."""
    settings = load(laid_out(tmp_path) / "broker.toml", SECRETS)

    assert settings.database_url == f"sqlite:///{tmp_path / 'var' / 'broker.sqlite'}"
    assert settings.redis_url is None
    assert {name: r.provider for name, r in settings.registrations.items()} == {"google": "google"}
    assert settings.policy.keeps(next(iter(settings.registrations))).keys() == {"email", "name"}


def test_many_processes_are_set_up(tmp_path: Path) -> None:
    """PostgreSQL, Redis, a proxy, two Providers; every kind of key occurs."""
    settings = load(laid_out(tmp_path) / "broker-many-processes.toml", SECRETS)

    assert settings.database_url == SECRETS["BROKER_DATABASE_URL"]
    assert (settings.redis_url, settings.trusted_proxies) == ("redis://redis:6379/0", 1)
    assert {name: r.provider for name, r in settings.registrations.items()} == {"google": "google", "corp": "oidc"}


def test_the_declaration_can_be_applied(tmp_path: Path) -> None:
    """A Client, an invitation, a public Application and a confidential one."""
    problems: list[str] = []
    document = tomllib.loads((laid_out(tmp_path) / "clients.toml").read_text())
    declared = manifest.parse(resolve_secrets(document, tmp_path, SECRETS, problems))

    assert problems == []
    assert [client.id for client in declared.clients] == ["acme"]
    assert [invited.email for invited in declared.authorizations] == ["ada@acme.example"]
    assert {a.id: a.type for a in declared.applications} == {
        "demo-app": ApplicationType.PUBLIC,
        "reports": ApplicationType.CONFIDENTIAL,
    }


@pytest.mark.parametrize("block", QUOTED, ids=lambda block: block.place)
def test_a_quoted_piece_is_a_piece_of_an_example(block: Block) -> None:
    """So what is read is what was tried."""
    assert [path.name for path in examples() if block.body.strip() in text(path)]


def test_every_json_block_is_json() -> None:
    """Or it could not be copied."""
    parsed = [json.loads(block.body) for block in blocks("json")]

    assert len(parsed) > 2


def test_every_authorize_request_on_a_page_has_parameters_that_there_are() -> None:
    """As they are written in requests over the wire."""
    shown = [block for block in blocks("http") if "/oauth/authorize" in block.body]
    names = {name for block in shown for name in re.findall(r"[?&](\w+)=", block.body)}

    assert shown
    assert names - set(KNOWN) == set()
    assert parse_qs("?" + "&".join(f"{name}=x" for name in names))


def test_every_example_stands_on_a_page() -> None:
    """What nobody is led to is not an example."""
    written = "".join(text(page) for page in pages())
    told = {path.name: f"examples/{path.relative_to(EXAMPLES)})" for path in examples()}
    alone = [name for name, link in told.items() if link not in written]

    assert [name for name in alone if name != "policy-two-providers.toml"] == []
