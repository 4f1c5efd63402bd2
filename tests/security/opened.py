"""What is sealed in the database, opened with the deployment's own keyring: to see what is really kept."""

from __future__ import annotations

import json
from typing import Any

from broker.crypto.keyring import parse_keyring
from broker.crypto.vault import LocalVault
from broker.domain.ids import UserId
from broker.flows.sealed import open_attributes, open_tokens
from tests.security.world import World


async def everything_kept(world: World) -> dict[str, Any]:
    """Per Connection, attributes and tokens in clear."""
    vault = LocalVault(parse_keyring(world.settings.keyring))
    kept: dict[str, Any] = {}
    for row in await world.rows("SELECT id FROM users"):
        for found in await world.store.connections_of(UserId(row["id"])):
            attributes = await open_attributes(found.connection, found.data_key, vault)
            tokens = await open_tokens(found.connection, found.data_key, vault)
            kept[found.connection.id] = {
                "attributes": {a.name: a.value for a in attributes},
                "tokens": [] if tokens is None else [tokens.access_token, tokens.refresh_token],
            }
    return kept


def text_of(kept: dict[str, Any]) -> str:
    """All of it as one text, to look through."""
    return json.dumps(kept, ensure_ascii=False)
