"""Legal holds, and what they are called."""

from __future__ import annotations

import pytest

from broker.domain.errors import Refusal
from broker.domain.hold import require_reference


@pytest.mark.parametrize("text", ["2027/114", "HR-9", "a.b_c", "x" * 64])
def test_a_file_number_is_a_reference(text: str) -> None:
    """Of whatever kind."""
    require_reference(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "Ada Lovelace", "ada@acme.example", "2027/114\n", "Ärger", "a;b"])
def test_what_could_say_anything_about_a_person_is_none(text: str) -> None:
    """Nor what is absent, or too long."""
    with pytest.raises(Refusal) as refused:
        require_reference(text)

    assert refused.value.code == "hold_reference"
