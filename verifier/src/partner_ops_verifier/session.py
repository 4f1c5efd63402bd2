"""Owns the Session: what a good session JWT says, ready to be asked. What it does not say is no.

Refuses to be changed: the same Session may be handed to many requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partner_ops_verifier.errors import RightMissing
from partner_ops_verifier.spelling import json_object

Rights = Mapping[str, frozenset[str]]
"""Client -> rights."""
_NONE: Final[frozenset[str]] = frozenset()


class Session:
    """Who acts, through which Application, with which rights of which Clients. Times are seconds since the epoch."""

    __slots__ = ("_claims", "_payload", "_rights")

    def __init__(self, claims: Mapping[str, Any], rights: Rights, payload: bytes) -> None:
        """`claims` were checked, and came out of `payload`; nobody else may hold them. Made by a verifier alone."""
        self._claims = claims
        self._rights = rights
        self._payload = payload

    def __repr__(self) -> str:
        return f"Session(user={self.user!r}, id={self.id!r}, application_id={self.application_id!r})"

    @property
    def user(self) -> str:
        """The User: opaque, stable, never re-assigned (`sub`)."""
        return self._claims["sub"]  # type: ignore[no-any-return]  # checked in claims.py, as all of these

    @property
    def id(self) -> str | None:
        """The Session at the issuer (`sid`); None for an Application that acts for itself."""
        return self._claims.get("sid")

    @property
    def application_id(self) -> str:
        """The Application through which the User acts (`client_id`)."""
        return self._claims["client_id"]  # type: ignore[no-any-return]

    @property
    def token_id(self) -> str:
        """The token's own name (`jti`)."""
        return self._claims["jti"]  # type: ignore[no-any-return]

    @property
    def issued_at(self) -> int:
        """When the token was made (`iat`)."""
        return self._claims["iat"]  # type: ignore[no-any-return]

    @property
    def not_before(self) -> int:
        """From when it is good: `iat`, or `nbf` where that is later."""
        return max(self._claims["iat"], self._claims.get("nbf", 0))  # type: ignore[no-any-return]

    @property
    def expires_at(self) -> int:
        """When it ends (`exp`)."""
        return self._claims["exp"]  # type: ignore[no-any-return]

    @property
    def auth_time(self) -> int | None:
        """When the person signed in at the Provider."""
        return self._claims.get("auth_time")

    @property
    def scopes(self) -> frozenset[str]:
        """What was granted to the Application (`scope`)."""
        return frozenset(self._claims.get("scope", "").split())

    @property
    def organization(self) -> str | None:
        """The one Client that the token is narrowed to (`org_id`)."""
        return self._claims.get("org_id")

    @property
    def epoch(self) -> int | None:
        """Counts the changes of the User's rights."""
        return self._claims.get("epoch")

    @property
    def key(self) -> str | None:
        """The thumbprint of the key that the token is bound to (`cnf`); None: it is for its bearer."""
        confirmation = self._claims.get("cnf")
        return None if confirmation is None else confirmation["jkt"]

    @property
    def client_orgs(self) -> frozenset[str]:
        """The Clients that the User acts for here."""
        return frozenset(self._rights)

    def rights(self, client_org: str) -> frozenset[str]:
        """What this Client gave the User; nothing where the token does not speak of it."""
        return self._rights.get(client_org, _NONE)

    def may(self, client_org: str, right: str) -> bool:
        """Whether this Client gave the User this right."""
        return right in self.rights(client_org)

    def require(self, client_org: str, right: str) -> None:
        """Raises `RightMissing` unless this Client gave the User this right."""
        if not self.may(client_org, right):
            raise RightMissing(client_org, right)

    def claims(self) -> dict[str, Any]:
        """Every claim, released attributes included, as a copy of your own."""
        return json_object(self._payload)

    def with_rights(self, rights: Rights) -> Session:
        """The same, with Authorizations that were fetched."""
        return Session(self._claims, rights, self._payload)
