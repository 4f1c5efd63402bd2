"""One person's way through every page of a counted broker, from the first sign-in to the last sign-out.

Refuses to go on where an answer is not what it should be.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from httpx2 import AsyncClient, Response

from broker.domain import pkce
from broker.domain.application import GrantType
from broker.web.routes import TABLE
from tests.examples.counted import APPLICATION, PARTNER, SECRET, CountedBroker, Counts
from tests.security.logout_tokens import logout_token

VERIFIER = "v" * 43
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OWN = {"client_id": "app", "redirect_uri": APPLICATION}
FOREIGN = {"client_id": "partner", "redirect_uri": PARTNER}
Measured = dict[tuple[str, str], Counts]


class Walk:
    """One person's way through every page, each request counted under its route and the words of the page."""

    def __init__(self, broker: CountedBroker, persona: str) -> None:
        self.broker = broker
        self.persona = persona
        self.measured: Measured = {}
        self.browser = broker.browser

    async def ask(
        self, name: str, who: str, method: str, url: str, *, expected: int | None = None, **request: object
    ) -> Response:
        answer, counts = await self.broker.ask(method, url, **request)
        good = (200, 201, 204, 303) if expected is None else (expected,)
        assert answer.status_code in good, (name, who, answer.text)
        self.measured[name, who] = counts
        return answer

    async def everything(self) -> None:
        await self.pages_of_everybody()
        await self.decline()
        tokens = await self.sign_in("a new User")
        await self.pages()
        await self.in_session(tokens)
        await self.device()
        await self.behind_a_gateway()
        await self.sign_in("a User who comes back")
        await self.leave()
        await self.sign_in("a User who comes back")
        await self.erase()

    async def sign_in(self, who: str) -> dict[str, str]:
        """A whole sign-in in a browser that nobody has met."""
        self.browser.cookies.clear()
        named = _request(OWN | {"provider": "google"})
        await self.ask("authorize", "nobody signed in, the Provider named", "GET", f"/oauth/authorize?{named}")
        self.browser.cookies.clear()
        asked = await self.ask("authorize", "nobody signed in", "GET", f"/oauth/authorize?{_request(OWN)}")
        chosen = await self.ask("sign_in", "for an Application", "GET", asked.headers["location"])
        departed = await self.ask(
            "sign_in_begin", "for an Application", "POST", "/sign-in/google", data=_hidden(chosen)
        )
        back = await self.ask("callback", who, "GET", await self.at_provider(departed))
        if back.status_code == 200:  # asked to accept the documents
            accepted = _hidden(back) | {"accepted": "yes", "adult": "yes"}
            back = await self.ask("accept", who, "POST", "/sign-in/accept", data=accepted)
        return await self.redeem(back, OWN, "a public Application")

    async def decline(self) -> None:
        """Somebody who does not accept the documents."""
        self.browser.cookies.clear()
        departed = await self.browser.post("/sign-in/google", data=dict(parse_qsl(_request(OWN))))
        page = await self.browser.get(await self.at_provider(departed))
        await self.ask("decline", "a new User", "POST", "/sign-in/decline", data=_hidden(page))

    async def redeem(self, back: Response, application: dict[str, str], who: str) -> dict[str, str]:
        form = {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(back.headers["location"]).query)["code"][0],
            "code_verifier": VERIFIER,
            **application,
        }
        tokens: dict[str, str] = (await self.ask("token", who, "POST", "/oauth/token", data=form)).json()
        return tokens

    async def in_session(self, tokens: dict[str, str]) -> None:
        """What an Application asks while the person is signed in."""
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        await self.ask("userinfo", "anybody", "GET", "/oauth/userinfo", headers=bearer)
        await self.ask("authorizations", "anybody", "GET", "/api/v1/authorizations", headers=bearer)
        first = f"/oauth/authorize?{_request(OWN)}"
        await self.ask("authorize", "signed in, a first-party Application", "GET", first)
        form = dict(parse_qsl(_request(OWN)))
        told = (await self.ask("par", "a public Application", "POST", "/oauth/par", data=form)).json()
        query = urlencode({"client_id": OWN["client_id"], "request_uri": told["request_uri"]})
        await self.ask("authorize", "signed in, a pushed request", "GET", f"/oauth/authorize?{query}")
        third = f"/oauth/authorize?{_request(FOREIGN)}"
        asked = await self.ask("authorize", "signed in, a third-party Application, not allowed yet", "GET", third)
        page = await self.ask("consent", "signed in", "GET", asked.headers["location"])
        allow = _hidden(page) | {"decision": "allow"}
        back = await self.ask("consent_decision", "allow", "POST", "/oauth/consent", data=allow)
        refresh = {"grant_type": "refresh_token", "client_id": OWN["client_id"]}
        refresh["refresh_token"] = tokens["refresh_token"]
        await self.ask("token", "a public Application refreshes", "POST", "/oauth/token", data=refresh)
        secret = {"client_secret": SECRET}
        foreign = await self.redeem(back, FOREIGN | secret, "a confidential Application")
        proven = FOREIGN | secret
        itself = proven | {"grant_type": "client_credentials", "scope": "revocations"}
        own = await self.ask("token", "an Application for itself", "POST", "/oauth/token", data=itself)
        narrow = {"grant_type": EXCHANGE, "subject_token": foreign["access_token"], "scope": "openid"}
        narrow |= proven | {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"}
        await self.ask("token", "an exchange of its own token", "POST", "/oauth/token", data=narrow)
        follower = {"Authorization": f"Bearer {own.json()['access_token']}"}
        await self.ask("revocations", "told what is in force", "GET", "/api/v1/revocations", headers=follower)
        await self.ask("introspect", "its own token", "POST", "/oauth/introspect", data=proven | _token(foreign))
        await self.ask("introspect", "another's token", "POST", "/oauth/introspect", data=proven | _token(tokens))
        await self.ask("authorize", "signed in, a third-party Application, allowed before", "GET", third)
        deny = _hidden(page) | {"decision": "deny"}
        refused, counts = await self.broker.ask("POST", "/oauth/consent", data=deny)
        assert "error=access_denied" in refused.headers["location"]
        self.measured["consent_decision", "deny"] = counts
        await self.ask("revoke", "a public Application", "POST", "/oauth/revoke", data=OWN | _token(tokens))
        address = "/account/applications/partner/remove"
        asked = await self.ask("remove_access_page", "signed in", "GET", address)
        await self.ask("remove_access", "signed in", "POST", address, data=_csrf(asked))
        await self.ask(
            "dismiss_warning", "no such warning", "POST", "/account/applications/gnt_x/dismiss", data=_csrf(asked)
        )

    async def device(self) -> None:
        """A device without a browser is let in."""
        asked = {"client_id": "tv", "scope": "openid email"}
        begun = await self.ask("device_authorization", "a device", "POST", "/oauth/device_authorization", data=asked)
        told = begun.json()
        device = {"grant_type": GrantType.DEVICE_CODE, "client_id": "tv", "device_code": told["device_code"]}
        _, self.measured["token", "a device that waits"] = await self.broker.ask("POST", "/oauth/token", data=device)
        link = told["verification_uri_complete"]
        page = await self.ask("device", "signed in", "GET", link)
        entered = _csrf(page) | {"user_code": told["user_code"]}
        confirm = await self.ask("device_code", "signed in", "POST", "/device", data=entered)
        allow = _hidden(confirm) | {"decision": "allow"}
        await self.ask("device_answer", "allow, a third-party Application", "POST", "/device/answer", data=allow)
        await self.ask("token", "a device that was let in", "POST", "/oauth/token", data=device)

    async def behind_a_gateway(self) -> None:
        """To the service desk, whose cookies lie at the broker's own host here, and out again."""
        await self.ask("forward_auth", "nobody signed in", "GET", "/forward-auth/desk", expected=401)
        opens = {"Sec-Fetch-Mode": "navigate"}
        await self.ask("ext_authz", "nobody signed in, a page", "GET", "/ext-authz/desk/x", headers=opens)
        began = await self.ask("gateway_start", "a page", "GET", "/forward-auth/desk/start", headers=opens)
        back = await self.browser.get(began.headers["location"])
        await self.ask("gateway_callback", "signed in", "GET", back.headers["location"])
        let_in = await self.ask("forward_auth", "signed in", "GET", "/forward-auth/desk", expected=202)
        bearer = {"Authorization": let_in.headers["Authorization"]}
        await self.ask("ext_authz", "with a session JWT", "GET", "/ext-authz/desk/x", headers=bearer)
        await self.ask("gateway_sign_out", "signed in", "POST", "/forward-auth/desk/sign-out")

    async def pages(self) -> None:
        """The person's own pages."""
        for name in ("account", "connections", "sessions", "applications", "data"):
            path = "/account" if name == "account" else f"/account/{name}"
            await self.ask(name, "signed in", "GET", path)
        page = await self.ask("choices", "signed in", "GET", "/account/choices")
        for said, agreed in (("allow", "yes"), ("take back", "no")):
            form = _csrf(page) | {"subject": "news", "agreed": agreed}
            await self.ask("choose", said, "POST", "/account/choices", data=form)
        await self.data()

    async def data(self) -> None:
        """What is kept: looked at, put right, left to the Provider again, taken along; by the pages and by a script."""
        told = (await self.ask("me", "signed in", "GET", "/api/v1/me")).json()
        own = f"/account/data/{told['connections'][0]['id']}/email"
        page = await self.ask("correct_page", "signed in", "GET", own)
        await self.ask("correct", "signed in", "POST", own, data=_csrf(page) | {"value": "ada@home.example"})
        await self.ask("uncorrect", "signed in", "POST", f"{own}/uncorrect", data=_csrf(page))
        await self.ask("data_archive", "signed in", "POST", "/account/data/archive", data=_csrf(page))
        await self.ask("me_archive", "signed in", "GET", "/api/v1/me/archive")
        path = f"/api/v1/me/connections/{told['connections'][0]['id']}/attributes/email"
        headers = {"X-CSRF-Token": told["csrf"], "Content-Type": "application/merge-patch+json"}
        await self.ask("me_attribute", "signed in", "PATCH", path, content=b'{"value": null}', headers=headers)
        for said, agreed in (("allow", b"true"), ("take back", b"false")):
            sent = b'{"agreed": %s}' % agreed
            await self.ask("me_choice", said, "PATCH", "/api/v1/me/choices/news", content=sent, headers=headers)

    async def pages_of_everybody(self) -> None:
        """Where nobody has to be signed in."""
        self.browser.cookies.clear()
        for name in ("home", "privacy", "terms", "openapi", "healthz", "readyz", "metrics"):
            path = next(row[1] for row in TABLE if row[0] == name)
            await self.ask(name, "anybody", "GET", path)
        for name, path, methods, *_ in TABLE:
            if methods == ("OPTIONS",):
                await self.ask(name, "anybody", "OPTIONS", path)

    async def leave(self) -> None:
        """Connect, disconnect, end Sessions, sign out, in as many browsers as that takes."""
        page = await self.browser.get("/account/connections")
        departed = await self.ask("connect", "signed in", "POST", "/account/connections/corp", data=_csrf(page))
        await self.ask("callback", "connecting a further account", "GET", await self.at_provider(departed))
        tokens = await self.sign_in("a User who comes back")
        page = await self.browser.get("/account/sessions")
        (session, *_) = re.findall(r"/account/sessions/(ses_\w+)/end", page.text)
        await self.ask("end_one_session", "signed in", "POST", f"/account/sessions/{session}/end", data=_csrf(page))
        await self.ask("end_other_sessions", "signed in", "POST", "/account/sessions/end-others", data=_csrf(page))
        asked = await self.ask("end_all_sessions_page", "signed in", "GET", "/account/sessions/end-all")
        await self.ask("end_all_sessions", "signed in", "POST", "/account/sessions/end-all", data=_csrf(asked))
        tokens = await self.sign_in("a User who comes back")
        hint = {"id_token_hint": tokens["id_token"]}
        await self.ask("end_session", "signed in, with its ID token", "GET", f"/oauth/end-session?{urlencode(hint)}")
        await self.sign_in("a User who comes back")
        page = await self.browser.get("/account/sessions")
        await self.ask("sign_out", "signed in", "POST", "/account/sign-out", data=_csrf(page))
        await self.sign_in("a User who comes back")
        said = {"logout_token": logout_token(self.broker.provider, self.persona, aud="google")}
        await self.ask("provider_logout", "a User with a Session", "POST", "/callback/google/logout", data=said)
        await self.sign_in("a User who comes back")
        page = await self.browser.get("/account/connections")
        for address in re.findall(r"/account/connections/con_\w+/disconnect", page.text):
            asked = await self.ask("disconnect_page", "signed in", "GET", address)
            answer = await self.ask(
                "disconnect", "signed in, with the Provider told", "POST", address, data=_csrf(asked)
            )
            if "You are signed out" in answer.text:
                break

    async def erase(self) -> None:
        """Have the account erased, come back within the days of grace, and have it erased by a script."""
        page = await self.ask("erase_page", "signed in", "GET", "/account/erase")
        await self.ask("erase", "signed in", "POST", "/account/erase", data=_csrf(page) | {"word": "erase"})
        departed = await self.browser.post("/sign-in/google", data={"return_to": "/account/keep"})
        back = await self.browser.get(await self.at_provider(departed))
        await self.ask("keep", "signed in again", "GET", back.headers["location"])
        told = (await self.browser.get("/api/v1/me")).json()
        headers = {"X-CSRF-Token": told["csrf"]}
        await self.ask("me_erase", "signed in", "POST", "/api/v1/me/erase", headers=headers)

    async def at_provider(self, departed: Response) -> str:
        """The Provider asks nobody anything; the callback's address."""
        self.broker.provider.consent_automatically(self.persona)
        async with AsyncClient() as outside:
            answer = await outside.get(departed.headers["location"])
        return str(answer.headers["location"])


def _token(tokens: dict[str, str]) -> dict[str, str]:
    return {"token": tokens["access_token"]}


def _request(application: dict[str, str]) -> str:
    asked = {
        "response_type": "code",
        "scope": "openid email profile offline_access",
        "state": "s",
        "code_challenge": pkce.challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return urlencode(application | asked)


def _hidden(page: Response) -> dict[str, str]:
    """The first form's hidden fields."""
    form = page.text.partition("<form")[2].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}


def _csrf(page: Response) -> dict[str, str]:
    found = re.search(r'name="csrf" value="([^"]*)"', page.text)
    return {} if found is None else {"csrf": unescape(found[1])}
