"""The Providers the broker can talk to: one page of facts each, found by name.

Refuses guesses: a name that is not in `PROVIDERS` is no Provider, and `oidc` serves every other OpenID Provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from providers.github import GITHUB
from providers.google import GOOGLE
from providers.microsoft import MICROSOFT
from providers.oidc import OIDC
from providers.spec import Provider

PROVIDERS: Mapping[str, Provider] = MappingProxyType({page.name: page for page in (GOOGLE, MICROSOFT, GITHUB, OIDC)})

__all__ = ["PROVIDERS", "Provider"]
