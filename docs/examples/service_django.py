"""The urls.py of a service for Django. Needs partner-ops-verifier with its extra `django`, and in settings.py

PARTNER_OPS_VERIFIER = Verifier("https://id.partner-ops.example", "https://api.partner-ops.example")
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

from partner_ops_verifier.django import Bearer, session_of

bearer = Bearer(settings.PARTNER_OPS_VERIFIER)


@bearer.right("reports:read", of="client_org")
def report(request: HttpRequest, client_org: str) -> JsonResponse:
    """A report of a Client, for whom that Client gave the right to read it."""
    return JsonResponse({"client_org": client_org, "for": session_of(request).user})


urlpatterns = [path("reports/<str:client_org>", report)]
