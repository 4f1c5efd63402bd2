"""The files of docs/examples, as tests use them: beside what they refer to, or loaded as modules."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

from broker.crypto.keyring import new_keyring
from tests.docs.reading import EXAMPLES

SECRETS = {
    "BROKER_DATABASE_URL": "postgresql://broker:a-password@db/broker",
    "GOOGLE_CLIENT_SECRET": "a-secret-that-Google-made",
    "REPORTS_SECRET": "a-secret-of-43-characters-made-by-an-operator",
}
"""What the examples take from the environment."""


def laid_out(folder: Path) -> Path:
    """Every example in `folder`, and what an operator puts beside them; the folder."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    (folder / "keyring.json").write_text(new_keyring())
    (folder / "corp-client-secret").write_text("a-secret-that-Corp-made\n")
    return folder


def module(name: str) -> ModuleType:
    """One of the Python examples."""
    spec = importlib.util.spec_from_file_location(f"docs_example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where dataclasses look
    spec.loader.exec_module(loaded)
    return loaded
