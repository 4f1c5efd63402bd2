"""Owns turning a view model into a page: one template a view, chosen by its type.

Refuses inline scripts, unescaped values and names a view does not have: autoescape on, undefined is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from broker.web.pages import agreed_views, data, privacy_views, views, words
from broker.web.pages.assets import asset_path
from broker.web.pages.views import View

TEMPLATES: Mapping[type[View], str] = MappingProxyType(
    {
        views.SignInView: "sign_in.html",
        agreed_views.AcceptView: "accept.html",
        views.ConsentView: "consent.html",
        views.AccountView: "account.html",
        views.ConnectionsView: "connections.html",
        views.DisconnectView: "disconnect.html",
        views.SessionsView: "sessions.html",
        views.EndAllView: "end_all.html",
        views.ApplicationsView: "applications.html",
        views.RemoveAccessView: "remove_access.html",
        agreed_views.ChoicesView: "choices.html",
        data.DataView: "data.html",
        data.CorrectView: "correct.html",
        privacy_views.EraseView: "erase.html",
        privacy_views.ErasedView: "erased.html",
        views.SignOutView: "sign_out.html",
        views.SignedOutView: "signed_out.html",
        views.ErrorView: "error.html",
        views.DeviceCodeView: "device_code.html",
        views.DeviceConfirmView: "device_confirm.html",
        views.DeviceAnsweredView: "device_answered.html",
        views.FormPostView: "form_post.html",
        privacy_views.PrivacyView: "privacy.html",
        privacy_views.TermsView: "terms.html",
    }
)


def render(view: View) -> str:
    """The page of a view, as HTML to be sent in UTF-8."""
    return _ENVIRONMENT.get_template(TEMPLATES[type(view)]).render(view=view, shell=view.shell)


def _ago(at: int, now: int) -> Markup:
    return _time(at, words.ago(at, now))


def _day(at: int) -> Markup:
    return _time(at, words.day(at))


def _time(at: int, said: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(words.machine(at), words.exact(at), said)


def _isolate(text: str) -> Markup:
    # A right-to-left name, or one with an override mark, must not turn round the sentence it stands in.
    return Markup("<bdi>{}</bdi>").format(text)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(ago=_ago, day=_day, isolate=_isolate)
    environment.globals.update(asset=asset_path, service="Partner Ops")
    return environment


_ENVIRONMENT = _environment()
