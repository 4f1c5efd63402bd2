"""Commands on the pages: the broker's and make's are there, with the options that the pages give them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from broker.__main__ import cli
from tests.docs.reading import blocks, code, pages
from tests.rules.tree import ROOT, text, told

MAKE_TARGETS = set(re.findall(r"^([a-z]+):.*##", text(ROOT / "Makefile"), re.MULTILINE))


def _lines() -> Iterator[tuple[str, str]]:
    """(place, command) of every command in a block, and of whole commands in code type."""
    for block in blocks("sh", ""):
        yield from ((block.place, line.strip()) for line in block.body.splitlines())
    for page in pages():
        for span in code(text(page)):
            if re.match(r"(broker|make) [a-z]", span) and "\n" not in span:
                yield told(page), span


def _commands(program: str) -> list[tuple[str, list[str]]]:
    found = []
    for place, line in _lines():
        words = shlex.split(line, comments=True) if program in line and line.count("'") % 2 == 0 else []
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words[:1] == ["docker"] and "partner-ops-broker" in words and words[1] == "run":
            words = ["broker", *(words[words.index("partner-ops-broker") + 1 :] or ["serve"])]
        if words[:1] == [program]:
            found.append((place, words[1 : words.index(">") if ">" in words else None]))
    return found


BROKER, MAKE = _commands("broker"), _commands("make")


@pytest.mark.parametrize("given", sorted({" ".join(words) for _, words in BROKER}))
def test_a_command_of_the_brokers_can_be_given(given: str) -> None:
    """It is parsed as the command line would, and not run."""
    command: click.Command = cli
    words = given.split(" ")
    while isinstance(command, click.Group) and words:
        subcommand = command.commands.get(words[0])
        assert subcommand is not None, words
        command, words = subcommand, words[1:]
    if words and command.params:
        command.make_context("broker", [word for word in words if word != "…"])


def test_every_target_of_make_is_there() -> None:
    """As the Makefile lists them."""
    missing = [(place, words) for place, words in MAKE if not set(_targets(words)) <= MAKE_TARGETS]

    assert MAKE
    assert missing == []


def _targets(words: list[str]) -> list[str]:
    return [word for word in words if re.fullmatch(r"[a-z]+", word)]


def test_the_readme_goes_from_nothing_to_serving() -> None:
    """With the commands that the contract names."""
    given = {tuple(words[:2]) for place, words in BROKER if place.startswith("README.md")}

    assert {("keys", "new"), ("migrate", "--config"), ("apply", "clients.toml"), ("serve", "--config")} <= given
    assert any(words[:1] == ["check"] for place, words in BROKER if place.startswith("README.md"))
