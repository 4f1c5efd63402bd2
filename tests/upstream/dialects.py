"""The four dialects for the one contract suite: a fake, what it should come to, and how it is spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.outbox import RevocationResult
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.google_like import FakeGoogle
from tests.fakes.providers.microsoft import CONTOSO, FakeEntra
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import FakeProvider


@dataclass(frozen=True, kw_only=True)
class DialectCase:
    """`profile` is all that is ever told; `warm` the requests of a second sign-in, beside the browser's own."""

    fake: type[FakeProvider]
    subject: str
    issuer: str
    profile: Mapping[str, str]
    verified_email: str | None
    scopes: Mapping[tuple[str, ...], tuple[str, ...]]
    warm: Mapping[str, int]
    revoked: tuple[RevocationResult, RevocationResult]
    arguments: Mapping[str, Any] = field(default_factory=dict)


CASES = (
    DialectCase(
        fake=FakeGoogle,
        subject="107691504500061815001",
        issuer="{base}",
        profile={
            "hd": "acme.example",
            "email": "ada@acme.example",
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "picture": "https://lh3.googleusercontent.example/ada",
            "locale": "en-GB",
        },
        verified_email="ada@acme.example",
        scopes={
            (): ("openid",),
            ("email",): ("openid", "email"),
            ("name", "picture"): ("openid", "profile"),
            ("hd",): ("openid",),
        },
        warm={"token": 1},
        revoked=(RevocationResult.REVOKED, RevocationResult.ALREADY_DEAD),
    ),
    DialectCase(
        fake=FakeEntra,
        subject=f"{CONTOSO}:690222be-ff1a-4d56-abd1-7e4f7d38e474",
        issuer=f"{{base}}/{CONTOSO}/v2.0",
        profile={
            "name": "Ada Lovelace",
            "preferred_username": "ada@contoso.example",
            "email": "ada@contoso.example",
        },
        verified_email=None,
        scopes={
            (): ("openid", "profile"),
            ("email",): ("openid", "profile", "email"),
            ("name",): ("openid", "profile"),
        },
        warm={"token": 1},
        revoked=(RevocationResult.UNSUPPORTED, RevocationResult.UNSUPPORTED),
    ),
    DialectCase(
        fake=FakeGitHub,
        subject="1815",
        issuer="{base}",
        profile={
            "email": "ada@acme.example",
            "name": "Ada Lovelace",
            "preferred_username": "ada-l",
            "picture": "https://avatars.githubusercontent.example/u/1815",
            "company": "Acme",
        },
        verified_email="ada@acme.example",
        scopes={(): (), ("email",): ("user:email",), ("name",): ()},
        warm={"token": 1, "user": 1, "emails": 1},
        revoked=(RevocationResult.REVOKED, RevocationResult.ALREADY_DEAD),
    ),
    DialectCase(
        fake=FakeOpenIdProvider,
        subject="248289761001",
        issuer="{base}",
        profile={
            "email": "ada@corp.example",
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "preferred_username": "ada",
            "picture": "https://corp.example/ada.png",
            "locale": "en-GB",
            "zoneinfo": "Europe/London",
            "phone_number": "+442079460000",
        },
        verified_email="ada@corp.example",
        scopes={
            (): ("openid",),
            ("email",): ("openid", "email"),
            ("name", "email"): ("openid", "email", "profile"),
            ("phone_number",): ("openid", "phone"),
        },
        warm={"token": 1, "userinfo": 1},
        revoked=(RevocationResult.REVOKED, RevocationResult.REVOKED),
        arguments={"trusted_email_domains": ("corp.example",)},
    ),
)
