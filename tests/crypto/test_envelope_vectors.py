"""The published test vectors: this implementation and an independent reader agree with them, and so with each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from broker.crypto.envelope import additional_data, seal, unseal
from broker.crypto.kek import checked, with_check, without_check
from broker.crypto.keyring import Keyring, NamedKey, new_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.vault import LocalVault
from broker.domain.errors import SealBroken
from broker.domain.ids import DataKeyId
from broker.domain.sealing import Place, WrappedKey
from tests.crypto import independent_reader
from tests.crypto.examples import COOKIE_KEY, KEK, LOOKUP_KEY, drawn
from tests.crypto.vectors import text
from tests.servers.node import PEERS, run_node

Vector = dict[str, Any]
REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"
VECTORS = json.loads((REFERENCE / "envelope-vectors.json").read_text(encoding="utf-8"))


def named(vector: Vector) -> str:
    """What pytest calls it."""
    return str(vector.get("name") or vector.get("why") or (vector["kind"], vector["value"]))


def vectors(member: str) -> pytest.MarkDecorator:
    """Run the test with each of these."""
    return pytest.mark.parametrize("vector", VECTORS[member], ids=named)


def of(vector: Vector, *members: str) -> list[bytes]:
    """The bytes that are written as hex."""
    return [bytes.fromhex(vector[member]) for member in members]


def vault_of(vector: Vector) -> LocalVault:
    """A vault with this KEK alone."""
    kek = NamedKey(id=vector["kek_id"], key=bytes.fromhex(vector["kek"]))
    return LocalVault(Keyring(keks=(kek,), lookup_keys=(LOOKUP_KEY,), cookie_keys=(COOKIE_KEY,)))


def wrapped_key(vector: Vector) -> WrappedKey:
    """The row of the data key."""
    return WrappedKey(
        id=DataKeyId(vector["dek_id"]),
        owner=vector["owner"],
        kek_id=vector["kek_id"],
        wrapped=bytes.fromhex(vector["wrapped"]),
        created_at=0,
    )


def own_place(vector: Vector) -> Place:
    """A place of the data key's owner."""
    return Place(table="t", column="c", row_id="r", owner=vector["owner"], registration="-", generation=0)


@vectors("envelopes")
def test_sealing_makes_the_published_bytes(vector: Vector) -> None:
    """Byte for byte, with the published salt and nonce."""
    data_key, salt, nonce, plaintext, expected = of(vector, "data_key", "salt", "nonce", "plaintext", "envelope")

    assert seal(data_key, vector["dek_id"], Place(**vector["place"]), plaintext, drawn(salt, nonce)) == expected


@vectors("envelopes")
def test_a_published_envelope_opens(vector: Vector) -> None:
    """To the published plaintext."""
    data_key, envelope, plaintext = of(vector, "data_key", "envelope", "plaintext")

    assert unseal(data_key, vector["dek_id"], Place(**vector["place"]), envelope) == plaintext


@vectors("envelopes")
def test_the_independent_reader_takes_the_published_steps(vector: Vector) -> None:
    """Additional data, record key, commitment, plaintext."""
    data_key, salt, envelope, plaintext, aad = of(
        vector, "data_key", "salt", "envelope", "plaintext", "additional_data"
    )

    assert independent_reader.additional_data(vector["place"], vector["dek_id"]) == aad
    assert additional_data(Place(**vector["place"]), vector["dek_id"]) == aad
    assert list(independent_reader.derive(data_key, salt)) == of(vector, "record_key", "commitment")
    assert independent_reader.read(data_key, vector["dek_id"], vector["place"], envelope) == plaintext


@vectors("refused_envelopes")
def test_a_published_refusal_is_a_refusal(vector: Vector) -> None:
    """Here and in the independent reader."""
    data_key, envelope = of(vector, "data_key", "envelope")

    with pytest.raises(SealBroken):
        unseal(data_key, vector["dek_id"], Place(**vector["place"]), envelope)
    with pytest.raises(independent_reader.Refused):
        independent_reader.read(data_key, vector["dek_id"], vector["place"], envelope)


@pytest.mark.anyio
@vectors("wrapped_keys")
async def test_a_published_data_key_unwraps(vector: Vector) -> None:
    """To the published key: what the vault seals under it opens under that."""
    (data_key,) = of(vector, "data_key")
    kek, wrapped = of(vector, "kek", "wrapped")
    place = own_place(vector)
    envelope = await vault_of(vector).seal(wrapped_key(vector), place, b"plaintext")

    assert unseal(data_key, vector["dek_id"], place, envelope) == b"plaintext"
    unwrapped = independent_reader.unwrap(kek, vector["kek_id"], vector["dek_id"], vector["owner"], wrapped)
    assert unwrapped == data_key


@pytest.mark.anyio
@vectors("refused_wrapped_keys")
async def test_a_published_refusal_to_unwrap_is_a_refusal(vector: Vector) -> None:
    """Here and in the independent reader."""
    kek, wrapped = of(vector, "kek", "wrapped")

    with pytest.raises(SealBroken):
        await vault_of(vector).seal(wrapped_key(vector), own_place(vector), b"plaintext")
    with pytest.raises(independent_reader.Refused):
        independent_reader.unwrap(kek, vector["kek_id"], vector["dek_id"], vector["owner"], wrapped)


@vectors("keyed_hashes")
def test_a_published_hash_is_found(vector: Vector) -> None:
    """Here and in the independent reader."""
    lookup_key = NamedKey(id="lookup-1", key=bytes.fromhex(vector["lookup_key"]))
    keyring = Keyring(keks=(KEK,), lookup_keys=(lookup_key,), cookie_keys=(COOKIE_KEY,))

    assert KeyringSecrets(keyring).keyed_hash(vector["kind"], vector["value"]) == vector["hash"]
    assert independent_reader.keyed_hash(lookup_key.key, vector["kind"], vector["value"]) == vector["hash"]


@vectors("checked_keys")
def test_a_published_check_value_is_the_keys_own(vector: Vector) -> None:
    """Beside what the KMS answered."""
    data_key, answered, wrapped = of(vector, "data_key", "answered", "wrapped")

    assert with_check(data_key, answered) == wrapped
    assert (without_check(wrapped), checked(data_key, wrapped)) == (answered, data_key)
    assert independent_reader.check(data_key, wrapped) == answered


@vectors("refused_checked_keys")
def test_a_published_check_value_of_another_key_is_refused(vector: Vector) -> None:
    """So is a row that holds no answer."""
    data_key, wrapped = of(vector, "data_key", "wrapped")

    with pytest.raises(SealBroken):
        without_check(wrapped)
        checked(data_key, wrapped)
    with pytest.raises(independent_reader.Refused):
        independent_reader.check(data_key, wrapped)


@pytest.mark.requires_node
def test_a_reader_in_another_language_agrees() -> None:
    """G16-16: written from the specification, with nothing but Node's own cryptography."""
    made = json.loads(run_node(PEERS / "envelope.mjs", given=json.dumps(VECTORS)))
    wanted = {"envelopes": "plaintext", "wrapped_keys": "data_key", "checked_keys": "answered", "keyed_hashes": "hash"}

    assert made.keys() == VECTORS.keys() - {"specification"}
    for member, vectors_of in VECTORS.items():
        if member != "specification":
            expected = [vector[wanted[member]] if member in wanted else None for vector in vectors_of]
            assert made[member] == expected, member


def test_the_published_vectors_are_made_by_everybody_alike() -> None:
    """`python -m tests.crypto.vectors` writes them anew; nothing in them is drawn at random."""
    assert (REFERENCE / "envelope-vectors.json").read_text(encoding="utf-8") == text()


def test_the_example_keyring_in_the_specification_is_a_keyring() -> None:
    """All but its keys, which are left out."""
    page = (REFERENCE / "envelope.md").read_text(encoding="utf-8")
    example = json.loads(page.split("```json")[1].split("```")[0])
    made = json.loads(new_keyring())

    assert {n: v if n == "version" else [e["id"] for e in v] for n, v in example.items()} == {
        n: v if n == "version" else [e["id"] for e in v] for n, v in made.items()
    }
