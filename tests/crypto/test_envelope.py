"""An envelope opens where it was sealed, as it was sealed, and in no other way."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto.envelope import additional_data, length_prefixed, seal, unseal
from broker.domain.errors import SealBroken
from broker.domain.sealing import Place
from tests.crypto import independent_reader
from tests.crypto.examples import PLACE, drawn, flipped
from tests.crypto.two_keys import ciphertext_for_two_keys

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
ENVELOPE = seal(KEY, "dek_1", PLACE, b"plaintext", drawn(b"s" * 32, b"n" * 12))

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
PLACES = st.builds(
    Place,
    table=TEXT,
    column=TEXT,
    row_id=TEXT,
    owner=TEXT,
    registration=TEXT,
    client_org=TEXT,
    generation=st.integers(0, 2**64 - 1),
)
IDS = TEXT.filter(lambda text: 1 <= len(text.encode()) <= 255)


def refused(envelope: bytes, *, key: bytes = KEY, dek_id: str = "dek_1", place: Place = PLACE) -> bool:
    """Whether it does not open. Any exception but `SealBroken` fails the test."""
    try:
        unseal(key, dek_id, place, envelope)
    except SealBroken:
        return True
    return False


@given(st.binary(max_size=300), PLACES, IDS)
def test_what_was_sealed_is_opened(plaintext: bytes, place: Place, dek_id: str) -> None:
    """Any bytes, at any place."""
    assert unseal(KEY, dek_id, place, seal(KEY, dek_id, place, plaintext, os.urandom)) == plaintext


def test_a_megabyte_is_sealed_and_opened() -> None:
    """Size is no obstacle."""
    plaintext = os.urandom(1 << 20)

    assert unseal(KEY, "dek_1", PLACE, seal(KEY, "dek_1", PLACE, plaintext, os.urandom)) == plaintext


def test_the_plaintext_is_not_in_the_envelope() -> None:
    """Whatever else is."""
    assert b"plain" not in ENVELOPE


def test_an_envelope_is_95_bytes_and_the_id_longer() -> None:
    """As the specification says."""
    assert len(ENVELOPE) == 95 + len("dek_1") + len("plaintext")


@pytest.mark.parametrize("bit", range(8))
def test_no_bit_can_be_flipped(bit: int) -> None:
    """In no byte of the envelope."""
    assert [at for at in range(len(ENVELOPE)) if not refused(flipped(ENVELOPE, at, bit))] == []


def test_no_end_can_be_cut_off() -> None:
    """At no length, from nothing to all but one byte."""
    assert [size for size in range(len(ENVELOPE)) if not refused(ENVELOPE[:size])] == []


def test_nothing_can_be_added() -> None:
    """Neither before nor behind."""
    assert refused(ENVELOPE + b"\0")
    assert refused(b"\0" + ENVELOPE)
    assert refused(ENVELOPE + ENVELOPE)


@pytest.mark.parametrize("at", [0, 1])
def test_an_unknown_version_or_algorithm_is_refused(at: int) -> None:
    """Only 1 is known of either."""
    known = [n for n in range(256) if not refused(ENVELOPE[:at] + bytes((n,)) + ENVELOPE[at + 1 :])]

    assert known == [1]


@pytest.mark.parametrize("name", [field.name for field in fields(Place)])
def test_an_envelope_opens_at_no_other_place(name: str) -> None:
    """Each field of `Place` is bound: a value moved to another row, column, User or Client is lost."""
    value: Any = getattr(PLACE, name)
    others: list[Any] = (
        [value + 1, value - 1, 0] if isinstance(value, int) else [value + "x", value[:-1], "", "-", value.upper()]
    )

    assert [other for other in others if not refused(ENVELOPE, place=replace(PLACE, **{name: other}))] == []


def test_an_older_generation_cannot_be_put_back() -> None:
    """What was sealed for generation 4 does not open once the row is at 5, nor the other way round."""
    older = seal(KEY, "dek_1", replace(PLACE, generation=4), b"old token", os.urandom)

    assert refused(older, place=replace(PLACE, generation=5))
    assert refused(ENVELOPE, place=replace(PLACE, generation=4))


def test_letters_cannot_move_between_fields() -> None:
    """Each field has its length before it."""
    place = replace(PLACE, table=PLACE.table + PLACE.column[0], column=PLACE.column[1:])

    assert refused(ENVELOPE, place=place)
    assert length_prefixed(b"ab", b"c") != length_prefixed(b"a", b"bc")


@given(PLACES, PLACES, IDS, IDS)
def test_two_places_have_different_additional_data(one: Place, other: Place, one_id: str, other_id: str) -> None:
    """Whatever the fields are."""
    same = (one, one_id) == (other, other_id)

    assert (additional_data(one, one_id) == additional_data(other, other_id)) is same


@pytest.mark.parametrize("dek_id", ["dek_2", "dek_", "dek_11", "", "d" * 256, "\ud800"])
def test_an_envelope_opens_for_no_other_data_key_id(dek_id: str) -> None:
    """Even if the key is the same; impossible ids included."""
    assert refused(ENVELOPE, dek_id=dek_id)


@pytest.mark.parametrize("key", [OTHER_KEY, bytes(32), flipped(KEY, 31)])
def test_an_envelope_opens_under_no_other_key(key: bytes) -> None:
    """Not even one bit away."""
    assert refused(ENVELOPE, key=key)


def test_a_ciphertext_that_decrypts_under_two_keys_opens_under_one() -> None:
    """AES-GCM alone would accept it under both; the commitment names one."""
    salt, nonce = os.urandom(32), os.urandom(12)
    aad = additional_data(PLACE, "dek_1")
    (first, commitment), (second, other_commitment) = (independent_reader.derive(key, salt) for key in (KEY, OTHER_KEY))
    sealed = ciphertext_for_two_keys(first, second, nonce, aad)
    opening = ENVELOPE[:8]

    assert AESGCM(first).decrypt(nonce, sealed, aad) != AESGCM(second).decrypt(nonce, sealed, aad)
    for key, other, committed in ((KEY, OTHER_KEY, commitment), (OTHER_KEY, KEY, other_commitment)):
        envelope = opening + salt + committed + nonce + sealed
        assert not refused(envelope, key=key)
        assert refused(envelope, key=other)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(data: bytes) -> None:
    """With `SealBroken`, never with another exception."""
    assert refused(data)


@given(st.binary(max_size=200))
def test_any_bytes_behind_a_good_beginning_are_refused(data: bytes) -> None:
    """The parser has nothing left to stumble over."""
    assert refused(ENVELOPE[:8] + data)


@given(st.integers(0, len(ENVELOPE)), st.integers(0, len(ENVELOPE)), st.binary(max_size=40))
def test_any_part_replaced_is_refused(start: int, end: int, data: bytes) -> None:
    """Cut, doubled, or overwritten."""
    spoiled = ENVELOPE[:start] + data + ENVELOPE[end:]

    assert refused(spoiled) is (spoiled != ENVELOPE)


def test_every_envelope_has_a_salt_and_a_nonce_of_its_own() -> None:
    """And hence a record key of its own."""
    envelopes = [seal(KEY, "dek_1", PLACE, b"", os.urandom) for _ in range(2000)]

    assert len({envelope[8:40] for envelope in envelopes}) == 2000
    assert len({envelope[72:84] for envelope in envelopes}) == 2000


def test_salt_and_nonce_are_what_was_drawn() -> None:
    """32 bytes and 12, in this order, and nothing else."""
    envelope = seal(KEY, "dek_1", PLACE, b"", drawn(b"s" * 32, b"n" * 12))

    assert envelope[8:40] == b"s" * 32
    assert envelope[72:84] == b"n" * 12


@pytest.mark.parametrize("generation", [-1, 2**64])
def test_a_generation_is_a_number_of_64_bits(generation: int) -> None:
    """Nothing is sealed for another, and nothing opens."""
    place = replace(PLACE, generation=generation)

    with pytest.raises(ValueError, match="64 bits"):
        seal(KEY, "dek_1", place, b"", os.urandom)
    assert refused(ENVELOPE, place=place)


@pytest.mark.parametrize("dek_id", ["", "d" * 256, "\ud800"])
def test_a_data_key_id_is_short_text(dek_id: str) -> None:
    """1 to 255 bytes of UTF-8."""
    with pytest.raises(ValueError, match=r"id of a data key|surrogates"):
        seal(KEY, dek_id, PLACE, b"", os.urandom)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_data_key_is_32_bytes(size: int) -> None:
    """A shorter one would be weaker than it looks."""
    with pytest.raises(ValueError, match="32 bytes"):
        seal(bytes(size), "dek_1", PLACE, b"", os.urandom)
