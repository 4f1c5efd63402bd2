"""How a Connection is said on a page: by what its Provider says, not by what its User corrected."""

from __future__ import annotations

from broker.domain.connection import ConnectionStatus, KeptAttribute
from broker.flows.connections.show import ShownConnection
from broker.web.handlers.shown import account_of, name_of, verified_address
from tests.storage import world as w


def shown(*, corrected: bool) -> ShownConnection:
    """With an address that may be the User's own word."""
    attributes = (
        KeptAttribute(name="email", value="boss@initech.example", since=w.NOW, corrected=corrected),
        KeptAttribute(name="name", value="Ada", since=w.NOW),
    )
    return ShownConnection(
        connection=w.connection(), status=ConnectionStatus.ACTIVE, attributes=attributes, revocations=()
    )


def test_a_corrected_address_names_no_account_and_is_not_invited() -> None:
    """Whoever invites it would invite nobody, or somebody else."""
    assert (account_of(shown(corrected=False)), verified_address((shown(corrected=False),))) == (
        "boss@initech.example",
        "boss@initech.example",
    )
    assert (account_of(shown(corrected=True)), verified_address((shown(corrected=True),))) == ("Ada", None)
    assert name_of((shown(corrected=True),)) == "Ada"
