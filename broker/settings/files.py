"""Owns reading TOML files and what they refer to: environment variables and secret files.

Refuses to stop at the first problem: each goes to a list, and reading goes on.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def read_toml(path: Path, problems: list[str]) -> dict[str, Any]:
    """The parsed file, or {} and a line in `problems`."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        problems.append(f"{path}: there is no such file")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: cannot be read ({type(error).__name__})")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: {error}")
    return {}


def resolve_secrets(document: Any, folder: Path, environment: Mapping[str, str], problems: list[str]) -> Any:
    """A copy of `document` in which every `{ env = "NAME" }` and `{ file = "path" }` is replaced by its value."""
    if isinstance(document, Mapping):
        if document.keys() in ({"env"}, {"file"}):
            return secret_of(document, folder, environment, problems)
        return {k: resolve_secrets(v, folder, environment, problems) for k, v in document.items()}
    if isinstance(document, list):
        return [resolve_secrets(v, folder, environment, problems) for v in document]
    return document


def secret_of(
    reference: Mapping[str, Any], folder: Path, environment: Mapping[str, str], problems: list[str]
) -> str | None:
    """What one reference refers to, or None and a line in `problems`."""
    ((kind, name),) = reference.items()
    if not isinstance(name, str) or not name:
        problems.append(f"{kind}: must be a text")
        return None
    if kind == "env":
        if not environment.get(name):
            problems.append(f"environment variable {name}: is not set")
        return environment.get(name) or None
    try:
        return (folder / name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{folder / name}: cannot be read ({type(error).__name__})")
        return None


def line_of(lines: Sequence[str], where: str, key: str | None) -> int | None:
    """The line of a key in its table, or of the table's heading, as a person would look for it; the first is 1."""
    heading = next((n for n, text in enumerate(lines, 1) if text.partition("#")[0].strip() == f"[{where}]"), None)
    if heading is None or key is None:
        return heading
    for number, text in enumerate(lines[heading:], heading + 1):
        if text.strip().startswith("["):
            break
        if re.match(rf"\s*{re.escape(key)}\s*=", text):
            return number
    return heading
