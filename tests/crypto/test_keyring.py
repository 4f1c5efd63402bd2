"""The keyring document: made, read, and refused with every reason at once."""

from __future__ import annotations

import base64
import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto.keyring import ArnKek, KeyringRefused, NamedKey, new_kek, new_keyring, parse_keyring
from broker.domain.errors import Fault


def document() -> dict[str, Any]:
    """A good document, to be spoiled."""
    spelled = [base64.b64encode(bytes(range(n, n + 32))).decode() for n in range(3)]
    return {
        "version": 1,
        "keks": [{"id": "local:main:1", "key": spelled[0]}],
        "lookup_keys": [{"id": "lookup-1", "key": spelled[1]}],
        "cookie_keys": [{"id": "c1", "key": spelled[2]}],
    }


def problems(spoiled: object) -> tuple[str, ...]:
    """Why the document is refused."""
    with pytest.raises(KeyringRefused) as refused:
        parse_keyring(spoiled if isinstance(spoiled, str) else json.dumps(spoiled))
    return refused.value.problems


def another_key(first: int = 100) -> str:
    """A key that is not in the document yet."""
    return base64.b64encode(bytes(range(first, first + 32))).decode()


def test_a_new_keyring_is_a_good_one() -> None:
    """What `broker keys new` prints can be read, and has one key of each kind."""
    keyring = parse_keyring(new_keyring())

    assert [kek.id for kek in keyring.keks] == ["local:main:1"]
    keys = [key.key for key in (*keyring.keks, *keyring.lookup_keys, *keyring.cookie_keys) if isinstance(key, NamedKey)]
    assert len(set(keys)) == 3


def test_two_new_keyrings_have_no_key_in_common() -> None:
    """Nothing about a key can be guessed."""
    assert {e["key"] for e in json.loads(new_keyring())["keks"]}.isdisjoint(
        e["key"] for e in json.loads(new_keyring())["keks"]
    )


def test_no_keyring_is_made_of_stuck_randomness() -> None:
    """Better none than one that can be guessed."""
    with pytest.raises(Fault):
        new_keyring(bytes)


def test_keys_keep_their_order() -> None:
    """The first one wraps."""
    good = document()
    good["keks"].insert(0, {"id": "local:main:2", "key": another_key()})

    assert [kek.id for kek in parse_keyring(json.dumps(good)).keks] == ["local:main:2", "local:main:1"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', "\ud800", '{"version": 1, "version": 1}', "[" * 100_000]
)
def test_what_is_no_object_is_refused(text: str) -> None:
    """Not JSON, another JSON value, a member twice, nested beyond measure."""
    assert problems(text) == ("not a JSON object in which every member occurs once",)


@pytest.mark.parametrize("version", [None, 0, 2, "1", True, 1.5, [1]])
def test_another_version_is_refused(version: object) -> None:
    """A later document may mean something else by the same words."""
    assert problems(document() | {"version": version}) == ("version: 1 is the only known one",)


@pytest.mark.parametrize("name", ["keks", "lookup_keys", "cookie_keys"])
@pytest.mark.parametrize("entries", [None, [], {}, "x", 1])
def test_a_list_of_keys_that_is_none_is_refused(name: str, entries: object) -> None:
    """Absent, empty, wrong."""
    assert problems(document() | {name: entries}) == (f"{name}: missing, empty, or not a list",)
    assert problems({n: v for n, v in document().items() if n != name}) == (f"{name}: missing, empty, or not a list",)


def test_an_unknown_member_is_refused() -> None:
    """Perhaps a misspelt list of keys. Its name is not repeated: it might be a key."""
    (problem,) = problems(document() | {another_key(): []})

    assert "unknown member" in problem
    assert another_key() not in problem


@pytest.mark.parametrize(
    "entry", [None, "x", [], {}, {"id": "c9"}, {"key": another_key()}, {"id": "c9", "key": "x", "a": 1}]
)
def test_an_entry_has_exactly_an_id_and_a_key(entry: object) -> None:
    """Nothing missing, nothing more."""
    spoiled = document()
    spoiled["cookie_keys"].append(entry)

    assert problems(spoiled) == ("cookie_keys[1]: must have exactly the members id and key",)


@pytest.mark.parametrize(
    "kek_id", [None, 1, "", "main", "local:main", "local:main:0", "local:main:01", "local:Main:1", "local::1",
               "gcp:main:1", "local:main:1\n", "local:" + "m" * 33 + ":1", "local:main:1:1"]
)  # fmt: skip
def test_a_kek_is_named_by_adapter_name_and_version(kek_id: object) -> None:
    """The id is kept beside each wrapped key, so it must be unambiguous."""
    spoiled = document()
    spoiled["keks"][0]["id"] = kek_id

    (problem,) = problems(spoiled)
    assert problem.startswith("keks[0].id: must look like local:<name>:<version>")


ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_a_kek_may_be_kept_elsewhere() -> None:
    """Beside local ones, in the same order: the first wraps. Nothing about it is secret."""
    good = document()
    good["keks"].insert(0, {"id": "aws:main:1", "arn": ARN})
    keks = parse_keyring(json.dumps(good)).keks

    assert keks[0] == ArnKek(id="aws:main:1", arn=ARN)
    assert isinstance(keks[1], NamedKey)


@pytest.mark.parametrize(
    "entry",
    [{"id": "aws:main:1"}, {"id": "aws:main:1", "key": another_key()}, {"id": "aws:main:1", "arn": ARN, "key": "x"}],
    ids=["no ARN", "a key", "both"],
)
def test_a_kek_that_is_kept_elsewhere_has_exactly_an_id_and_an_arn(entry: object) -> None:
    """Its key is not here."""
    spoiled = document()
    spoiled["keks"].append(entry)

    assert problems(spoiled) == ("keks[1]: must have exactly the members id and arn",)


@pytest.mark.parametrize("kek_id", ["local:main:2", "main", None])
def test_only_a_kek_that_is_kept_elsewhere_has_an_arn(kek_id: object) -> None:
    """A local one has its key, and one without an adapter nothing."""
    spoiled = document()
    spoiled["keks"].append({"id": kek_id, "arn": ARN})

    assert problems(spoiled) == ("keks[1]: must have exactly the members id and key",)


@pytest.mark.parametrize(
    "arn",
    [None, 1, "", ARN + "\n", ARN.replace("key/", "alias/"), ARN.replace(":kms:", ":s3:"), ARN.replace("1111", "")],
    ids=["none", "number", "empty", "more lines", "alias", "another service", "short account"],
)
def test_an_arn_names_a_key_of_kms(arn: object) -> None:
    """No alias: somebody could point it at another key, under which nothing here was ever wrapped."""
    spoiled = document()
    spoiled["keks"].append({"id": "aws:main:1", "arn": arn})

    (problem,) = problems(spoiled)
    assert problem.startswith("keks[1].arn: must look like")


@pytest.mark.parametrize("name", ["lookup_keys", "cookie_keys"])
def test_only_a_kek_can_be_kept_elsewhere(name: str) -> None:
    """Other keys are needed at every request."""
    spoiled = document()
    spoiled[name] = [{"id": "aws:main:1", "arn": ARN}]

    assert problems(spoiled) == (f"{name}[0]: must have exactly the members id and key",)


def test_a_new_kek_is_a_good_entry() -> None:
    """Every time with another key."""
    made = [json.loads(new_kek("local:main:2")) for _ in range(2)]
    good = document()
    good["keks"].append(made[0])

    assert [kek.id for kek in parse_keyring(json.dumps(good)).keks] == ["local:main:1", "local:main:2"]
    assert made[0]["key"] != made[1]["key"]


@pytest.mark.parametrize("kek_id", ["", "main", "local:main:0", "aws:main:1", "local:main:1 "])
def test_a_new_kek_needs_a_good_name(kek_id: str) -> None:
    """And one in AWS KMS is made there."""
    with pytest.raises(KeyringRefused) as refused:
        new_kek(kek_id)

    assert refused.value.problems == ("a KEK whose key is in the keyring is named local:<name>:<version>",)


@pytest.mark.parametrize("key_id", [None, 1, "", "c.1", "C1", "c_1", "-c", "c1 ", "c" * 33])
def test_a_cookie_key_has_a_plain_name(key_id: object) -> None:
    """It stands in front of a cookie, before the point."""
    spoiled = document()
    spoiled["cookie_keys"][0]["id"] = key_id

    (problem,) = problems(spoiled)
    assert problem.startswith("cookie_keys[0].id: must look like <name>")


@pytest.mark.parametrize(
    "key", [None, 1, another_key()[:-1], another_key() + "\n", " " + another_key(), "ä" * 44, "_" * 44]
)
def test_a_key_must_be_base64(key: object) -> None:
    """Strictly: no white space, no missing padding, not the other alphabet."""
    spoiled = document()
    spoiled["keks"][0]["key"] = key

    (problem,) = problems(spoiled)
    assert problem.startswith("keks[0].key: not base64")


def test_stray_last_bits_are_refused() -> None:
    """A second spelling of the same key."""
    spoiled = document()
    spoiled["keks"][0]["key"] = another_key()[:-2] + "l="

    (problem,) = problems(spoiled)
    assert problem.startswith("keks[0].key: not base64")


@pytest.mark.parametrize("size", [0, 1, 16, 31, 33, 64])
def test_a_key_must_have_32_bytes(size: int) -> None:
    """Empty, short, long."""
    spoiled = document()
    spoiled["keks"][0]["key"] = base64.b64encode(bytes(range(size))).decode()

    assert problems(spoiled) == (f"keks[0].key: {size} bytes, must be 32",)


def test_a_key_of_one_byte_repeated_is_refused() -> None:
    """All zeroes is what a forgotten step leaves behind."""
    spoiled = document()
    spoiled["keks"][0]["key"] = base64.b64encode(bytes(32)).decode()

    assert problems(spoiled) == ("keks[0].key: not random",)


def test_an_id_occurs_once() -> None:
    """Otherwise a name would mean two keys."""
    spoiled = document()
    spoiled["keks"].append({"id": "local:main:1", "key": another_key()})

    assert problems(spoiled) == ("keks[1].id: occurs a second time",)


def test_a_key_occurs_once() -> None:
    """One key, one use."""
    spoiled = document()
    spoiled["cookie_keys"][0]["key"] = spoiled["keks"][0]["key"]

    assert problems(spoiled) == ("cookie_keys[0].key: the same as keks[0].key",)


def test_a_second_lookup_key_is_refused() -> None:
    """Whichever made the stored hashes, half the look-ups would find nobody."""
    spoiled = document()
    spoiled["lookup_keys"].append({"id": "lookup-2", "key": another_key()})

    (problem,) = problems(spoiled)
    assert problem.startswith("lookup_keys: more than one")


def test_every_problem_is_listed_at_once() -> None:
    """An operator corrects them in one go."""
    spoiled = {"version": 2, "keks": [{"id": "x", "key": "x"}], "lookup_keys": []}

    assert [problem.split(":")[0] for problem in problems(spoiled)] == [
        "version", "keks[0].id", "keks[0].key", "lookup_keys", "cookie_keys",
    ]  # fmt: skip


def test_no_key_is_shown_by_a_refusal() -> None:
    """Neither in the message nor in anything that is chained to it."""
    spoiled = document() | {"version": 9}
    spoiled["keks"].append({"id": another_key(), "key": another_key(120)[:-4]})
    for text in (json.dumps(spoiled), json.dumps(spoiled)[:-1]):
        with pytest.raises(KeyringRefused) as refused:
            parse_keyring(text)
        shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)

        assert refused.value.__cause__ is None
        assert refused.value.__context__ is None
        for key in (another_key(), another_key(120), document()["keks"][0]["key"]):
            assert key[:8] not in shown


def test_no_key_is_shown_by_a_repr() -> None:
    """Ids are."""
    keyring = parse_keyring(new_keyring())

    for key in (*keyring.keks, *keyring.lookup_keys, *keyring.cookie_keys):
        assert isinstance(key, NamedKey)
        assert repr(key.key) not in repr(keyring)
        assert key.key.hex() not in repr(keyring)
        assert base64.b64encode(key.key).decode() not in repr(keyring)
        assert key.id in repr(keyring)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["version", *document(), "id", "key", "?"]), inner, max_size=5)
    ),
)


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_a_keyring_or_refused(text: str) -> None:
    """Never another exception."""
    with pytest.raises(KeyringRefused):
        parse_keyring(text)
