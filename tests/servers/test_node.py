"""Software written for Node, as a peer."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from tests.servers.node import OLDEST_NODE, PEERS, converse, node_peer, require_node, run_node
from tests.servers.process import NotReady

PEER = """
import { createServer } from 'node:http'
const server = createServer((request, response) => response.end(process.argv[2] + process.env.GREETING))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
"""

ASKING = """
import { createInterface } from 'node:readline/promises'
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
let sum = 0
for (let number = 1; number <= process.argv[2]; number++) {
  console.log(JSON.stringify({ number }))
  sum += Number((await answers.next()).value)
  if (isNaN(sum)) throw new Error('no number')
}
console.log(JSON.stringify({ done: { sum } }))
process.exit()
"""


@pytest.mark.requires_node
def test_the_peers_are_installed_and_load() -> None:
    """All of them run on the Node that the lock file brings."""
    versions = json.loads(run_node(PEERS / "versions.mjs"))

    assert {"node", "jose", "oauth4webapi", "oidc-client-ts", "oidc-provider", "openid-client"} == set(versions)
    assert int(versions["node"].split(".")[0]) >= OLDEST_NODE


@pytest.mark.requires_node
def test_a_peer_runs_until_it_is_left(tmp_path: Path) -> None:
    """It takes arguments and an environment, tells where it listens, and is gone afterwards."""
    script = tmp_path / "peer.mjs"
    script.write_text(PEER)

    with node_peer(script, "hello ", environment={"GREETING": "there"}) as announced:
        url = f"http://127.0.0.1:{announced['port']}"
        assert httpx2.get(url).text == "hello there"

    with pytest.raises(httpx2.ConnectError):
        httpx2.get(url)


@pytest.mark.requires_node
def test_a_peer_that_breaks_is_reported_with_its_words(tmp_path: Path) -> None:
    """The error names what Node said."""
    script = tmp_path / "peer.mjs"
    script.write_text("throw new Error('no such key')")

    with pytest.raises(NotReady, match="no such key"), node_peer(script):
        pass


@pytest.mark.requires_node
def test_a_script_that_asks_is_answered(tmp_path: Path) -> None:
    """Line by line, until it is done; one that breaks before is reported with its words."""
    script = tmp_path / "asking.mjs"
    script.write_text(ASKING)

    assert converse(script, "3", lambda told: str(told["number"] ** 2)) == {"sum": 14}
    with pytest.raises(NotReady, match="no number"):
        converse(script, "3", lambda _: "none")


def test_a_developer_may_do_without_node() -> None:
    """The test is left out, and says what is missing."""
    with pytest.raises(pytest.skip.Exception, match="tests/install"):
        require_node(None, continuous_integration=False)


def test_continuous_integration_may_not() -> None:
    """Nothing is left out unseen."""
    with pytest.raises(pytest.fail.Exception, match="tests/install"):
        require_node(None, continuous_integration=True)


def test_a_node_that_is_there_is_used() -> None:
    """Whoever runs the tests."""
    found = Path("node")

    assert require_node(found, continuous_integration=True) == found
    assert require_node(found, continuous_integration=False) == found
