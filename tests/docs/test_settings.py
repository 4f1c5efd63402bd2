"""Settings, policy, the `broker apply` file, environment, command line: every name has a row, and every row a name."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import click
import pytest

from broker.__main__ import cli
from broker.domain import manifest, policy_parse
from broker.domain.ids import RegistrationId
from broker.domain.manifest import ManifestProblems
from broker.domain.policy import PolicyProblems
from broker.settings.load import load
from broker.settings.model import SettingsProblems
from tests.docs.reading import headings, names, reference, section, table
from tests.rules.tree import files, text, tree

_LISTED = re.compile(r"unknown(?: key '\w+'| zz)?; there are (.*)$", re.MULTILINE)


def _names(problems: str) -> list[str]:
    """What a message about an unknown key says there is."""
    return re.split(r", | and ", _LISTED.findall(problems)[0])


@pytest.mark.parametrize(
    ("heading", "written"),
    [("[broker]", "[broker]\nzz = 1"), ("[registrations.NAME]", "[registrations.x]\nzz = 1")],
)
def test_every_setting_has_a_row(heading: str, written: str, tmp_path: Path) -> None:
    """The broker's own complaint about an unknown key names all that there are."""
    (tmp_path / "broker.toml").write_text(written)
    with pytest.raises(SettingsProblems) as raised:
        load(tmp_path / "broker.toml", {})

    unknown = next(problem for problem in raised.value.problems if "zz: unknown" in problem)
    assert sorted(names(section(reference("settings"), heading))) == sorted(_names(unknown))


@pytest.mark.parametrize(
    ("heading", "written"),
    [
        ("[clients.NAME]", "[clients.x]\nzz = 1"),
        ("[[clients.NAME.authorizations]]", "[[clients.x.authorizations]]\nzz = 1"),
        ("[applications.NAME]", "[applications.x]\nzz = 1"),
    ],
)
def test_every_key_of_the_apply_file_has_a_row(heading: str, written: str) -> None:
    """Clients, their Authorizations, Applications."""
    with pytest.raises(ManifestProblems) as raised:
        manifest.parse(tomllib.loads(written))

    unknown = next(problem for problem in raised.value.problems if "zz: unknown" in problem)
    assert sorted(names(section(reference("clients"), heading))) == sorted(_names(unknown))


@pytest.mark.parametrize("table", ["documents", "retention", "erasure", "ledger"])
def test_every_key_of_a_policys_rules_has_a_row(table: str) -> None:
    """What the parser says there is."""
    with pytest.raises(PolicyProblems) as raised:
        policy_parse.parse({table: {"zz": 1}}, {})
    unknown = next(problem for problem in raised.value.problems if "zz: unknown" in problem)

    assert sorted(names(section(reference("policy"), f"[{table}]"))) == sorted(_names(unknown))


@pytest.mark.parametrize(("verb", "heading"), [("keep", "Terms of keep"), ("release", "Terms of release")])
def test_every_term_has_a_row(verb: str, heading: str) -> None:
    """Of keeping and of releasing."""
    document = {"google": {verb: {"email": {"purpose": "x", "zz": 1}}}}
    with pytest.raises(PolicyProblems) as raised:
        policy_parse.parse(document, {RegistrationId("google"): ("email",)})

    assert sorted(names(section(reference("policy"), heading))) == sorted(_names(raised.value.problems[0]))


def test_every_key_of_the_policy_has_a_row() -> None:
    """`keep`, `release` and `clients`; below a Client the first two again."""
    with pytest.raises(PolicyProblems) as raised:
        policy_parse.parse({"google": {"zz": {}}}, {RegistrationId("google"): ()})
    keys = _names(str(raised.value))

    assert sorted(names(section(reference("policy"), "[REGISTRATION]"))) == sorted(keys)
    narrowing = names(section(reference("policy"), "[REGISTRATION.clients.CLIENT]"))
    assert sorted(narrowing) == sorted(set(keys) - {"clients"})
    policy_parse.parse(
        {"google": {"clients": {"acme": {key: [] for key in narrowing}}}}, {RegistrationId("google"): ()}
    )


def test_every_environment_variable_has_a_row() -> None:
    """What the product reads by name; what settings refer to has the operator's own names."""
    read = set()
    for path in files(".py", "broker"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.keyword(arg="envvar", value=ast.Constant(value=str(name))):
                    read.add(name)
                case ast.Subscript(value=ast.Name(id="environment"), slice=ast.Constant(value=str(name))):
                    read.add(name)
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="environment"), attr="get"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    read.add(name)
    assert "os.environ[" not in "".join(text(path) for path in files(".py", "broker"))

    assert set(names(section(reference("settings"), "Environment"))) == read


def _commands(group: click.Group, before: str = "broker") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        within = (
            _commands(command, f"{before} {name}")
            if isinstance(command, click.Group)
            else {f"{before} {name}": command}
        )
        found |= within
    return found


def test_every_command_has_a_heading() -> None:
    """And no heading a command that is not there."""
    told = headings(section(reference("settings"), "Command line"))

    assert sorted(told) == sorted(_commands(cli))


@pytest.mark.parametrize("name", sorted(_commands(cli)))
def test_every_option_has_a_row(name: str) -> None:
    """With its default, where it has one to show."""
    command = _commands(cli)[name]
    told = table(section(reference("settings"), name))
    there = {
        (parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name.upper()): parameter
        for parameter in command.params
    }

    assert told.keys() == there.keys()
    for option, parameter in there.items():
        default = parameter.default
        if isinstance(default, str | int | Path) and not isinstance(default, bool):
            assert f"`{default}`" in told[option][1], option
