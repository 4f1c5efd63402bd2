"""Django: the middleware and the decorators answer as RFC 6750 says, and hand the Session on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path

from partner_ops_verifier import Verifier
from partner_ops_verifier.django import Bearer, session_of
from partner_ops_verifier.testing import SessionTokens
from tests.verifier.frameworks import NAMES, cases

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], SECRET_KEY="for-tests", DEFAULT_CHARSET="utf-8")
    django.setup()


class Urls:
    """What Django takes for a module of addresses."""

    def __init__(self, urlpatterns: list[Any]) -> None:
        self.urlpatterns = urlpatterns


def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": session_of(request).user})


def reports(request: HttpRequest, client_org: str) -> HttpResponse:
    session_of(request).require(client_org, "reports:read")
    return me(request)


def health(request: HttpRequest) -> HttpResponse:
    with pytest.raises(LookupError):
        session_of(request)
    return HttpResponse("well")


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("of the view's own")


def decorated(verifier: Verifier) -> list[Any]:
    bearer = Bearer(verifier)

    def permitted(request: HttpRequest, client_org: str) -> HttpResponse:
        return me(request)

    return [
        path("me", bearer.session(me)),
        path("reports/<str:client_org>", bearer.right("reports:read")(permitted)),
        path("healthz", health),
    ]


def plain(verifier: Verifier) -> list[Any]:
    return [path("me", me), path("reports/<str:client_org>", reports), path("healthz", health), path("broken", broken)]


@pytest.fixture(params=["decorators", "middleware"])
def http(request: pytest.FixtureRequest, session_tokens: SessionTokens) -> Iterator[Client]:
    """A service of either kind."""
    verifier = session_tokens.verifier()
    views: Callable[[Verifier], list[Any]] = decorated if request.param == "decorators" else plain
    middleware = [] if request.param == "decorators" else ["partner_ops_verifier.django.BearerMiddleware"]
    with override_settings(
        ROOT_URLCONF=Urls(views(verifier)),
        MIDDLEWARE=middleware,
        PARTNER_OPS_VERIFIER=verifier,
        PARTNER_OPS_OPEN_PATHS=["/healthz"],
    ):
        yield Client()


@pytest.mark.parametrize("name", NAMES)
def test_each_request_is_answered(http: Client, session_tokens: SessionTokens, name: str) -> None:
    """Let in, refused, or not permitted."""
    case = cases(session_tokens)[name]
    answer = http.get(case.path, headers=case.headers)

    assert answer.status_code == case.status
    assert answer.headers.get("WWW-Authenticate", "").startswith(case.challenge or "")
    assert (answer.status_code == 200) == (b"user" in answer.content)


def test_when_nobody_can_tell_it_says_when_to_ask_again(http: Client, session_tokens: SessionTokens) -> None:
    """503, and no challenge."""
    session_tokens.http.down = True
    for place in ("/me", "/reports/acme"):
        answer = http.get(place, headers={"Authorization": f"Bearer {session_tokens.mint()}"})

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_what_is_open_stays_open(http: Client) -> None:
    """A view that nobody guards, or whose path is named as open."""
    assert http.get("/healthz").content == b"well"


def test_an_error_of_the_views_own_is_not_answered(session_tokens: SessionTokens) -> None:
    """Django's own handling sees it."""
    verifier = session_tokens.verifier()
    with override_settings(
        ROOT_URLCONF=Urls(plain(verifier)),
        MIDDLEWARE=["partner_ops_verifier.django.BearerMiddleware"],
        PARTNER_OPS_VERIFIER=verifier,
    ):
        with pytest.raises(ValueError, match="own"):
            Client().get("/broken", headers={"Authorization": f"Bearer {session_tokens.mint()}"})
        assert Client().get("/healthz").status_code == 401
