"""G16-14: no key shows in a repr, a traceback with its local variables, a pickle or a log line."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.crypto.envelope import seal, unseal
from broker.crypto.keyring import parse_keyring
from broker.crypto.masked import Masked
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.vault import LocalVault
from broker.domain.errors import SealBroken
from tests.crypto.examples import KEK, KEYRING, PLACE, drawn
from tests.crypto.test_keyring import document

SECRET = bytes(range(160, 192))


def spellings(key: bytes) -> tuple[str, ...]:
    """How it might be shown, in part at least."""
    return key.hex()[8:40], repr(bytes(key))[6:60], str(list(key))[4:40], repr(bytes(key[:16]))[2:-1]


@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "{!r}".format, "%s".__mod__, lambda key: repr([key]), lambda key: repr({"key": key})],
    ids=["repr", "str", "format", "format !r", "%", "in a list", "in a dict"],
)
def test_secret_bytes_show_nothing(show: Callable[[object], str]) -> None:
    """They work as bytes all the same."""
    key = Masked(SECRET)

    assert [s for s in spellings(SECRET) if s in show(key)] == []
    assert key == SECRET
    assert hash(key) == hash(SECRET)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_bytes_are_not_pickled(protocol: int) -> None:
    """Nor is whatever holds them: a keyring, secrets, a vault."""
    for thing in (Masked(SECRET), KEK, KEYRING, KeyringSecrets(KEYRING), LocalVault(KEYRING)):
        with pytest.raises(TypeError):
            pickle.dumps(thing, protocol)
    with pytest.raises(TypeError):
        copy.copy(Masked(SECRET))


def test_the_brokers_own_log_shows_nothing() -> None:
    """In a field, in a list, inside a keyring, and with a traceback; in a process that logs as the broker does."""
    program = """
        import structlog
        from broker.crypto.masked import Masked
        from broker.web.logs import configure
        from tests.crypto.examples import KEYRING
        from tests.crypto.test_masked import SECRET

        configure()
        key, log = Masked(SECRET), structlog.get_logger("broker")
        log.warning("shown", key=key, keys=[key, {"a": key}], keyring=KEYRING, text=f"{key} {key!r}")
        try:
            raise ValueError(key)
        except ValueError:
            log.exception("raised", key=key)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)

    shown, raised = map(json.loads, run.stderr.splitlines())
    assert shown["key"] == "<32 secret bytes>"
    assert "ValueError: <32 secret bytes>" in raised["exception"]
    assert [s for key in (SECRET, KEK.key) for s in spellings(key) if s in run.stderr + run.stdout] == []


def test_a_keyring_that_was_read_is_masked() -> None:
    """From the first moment on."""
    keyring = parse_keyring(json.dumps(document()))

    assert all(isinstance(key.key, Masked) for key in (*keyring.lookup_keys, *keyring.cookie_keys))
    assert "secret bytes" in repr(keyring.lookup_keys[0].key)


@pytest.mark.anyio
@pytest.mark.parametrize("step", ["unwrap", "open", "seal for another owner"])
async def test_no_key_shows_among_the_local_variables_of_a_traceback(step: str) -> None:
    """Some log them with every error."""
    vault = LocalVault(KEYRING, random=drawn(bytes(16), SECRET, bytes(12), bytes(range(100, 132)), b"twelve bytes"))
    row = await vault.new_key("usr_1", 0)
    envelope = await vault.seal(row, PLACE, b"plaintext")
    try:
        if step == "unwrap":
            await vault.open(replace(row, wrapped=row.wrapped[:-1] + b"x"), PLACE, envelope)
        elif step == "open":
            await vault.open(row, PLACE, envelope[:-1] + bytes([envelope[-1] ^ 1]))
        else:
            await vault.seal(row, replace(PLACE, owner="usr_2"), b"plaintext")
    except (SealBroken, ValueError) as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "PLACE" in shown or "place" in shown
    assert [s for key in (SECRET, KEK.key) for s in spellings(key) if s in shown] == []


def test_no_record_key_shows_either(caplog: pytest.LogCaptureFixture) -> None:
    """It opens one value; and a logger shows no more of a key than a traceback."""
    envelope = seal(SECRET, "dek_1", PLACE, b"plaintext", drawn(bytes(32), bytes(12)))
    try:
        unseal(Masked(SECRET), "dek_1", PLACE, envelope[:-1] + bytes([envelope[-1] ^ 1]))
    except SealBroken as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        logging.getLogger("any").warning("key %s", Masked(SECRET), exc_info=error)

    assert "record_key = <32 secret bytes>" in shown
    assert [s for s in spellings(SECRET) if s in shown + caplog.text] == []
