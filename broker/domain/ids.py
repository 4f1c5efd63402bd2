"""Owns the identifier types, so that one kind of id cannot be passed for another.

Refuses any meaning inside an id: all but the operator's own names (Client, Application, registration) are opaque.
"""

from __future__ import annotations

from typing import NewType

ApplicationId = NewType("ApplicationId", str)
"""The operator's name of an Application; OAuth's `client_id` on the wire."""
ClientOrgId = NewType("ClientOrgId", str)
"""The operator's stable name of a Client, the customer organisation."""
RegistrationId = NewType("RegistrationId", str)
"""The operator's name of this deployment's credentials at a Provider."""

UserId = NewType("UserId", str)
"""Opaque and stable; `sub` in every token."""
IdentityId = NewType("IdentityId", str)
ConnectionId = NewType("ConnectionId", str)
SessionId = NewType("SessionId", str)
"""Public name of a Session (`sid`); it opens nothing. The cookie's secret does, and is kept as a keyed hash."""
AuthorizationId = NewType("AuthorizationId", str)
AttemptId = NewType("AttemptId", str)
PushedRequestId = NewType("PushedRequestId", str)
GrantId = NewType("GrantId", str)
DeviceRequestId = NewType("DeviceRequestId", str)
DataKeyId = NewType("DataKeyId", str)

KeyThumbprint = NewType("KeyThumbprint", str)
"""Base64url of the SHA-256 thumbprint of a public key (RFC 7638): `jkt`. It tells nothing, and opens nothing."""
KeyedHash = NewType("KeyedHash", str)
"""Hex of a keyed SHA-256: what only needs comparing is kept in this form."""
