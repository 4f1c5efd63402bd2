"""The demo Application's pages and buttons: what each request does to a browser's session, and what it shows.

Acts on its own forms only, and shows no token of anybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from broker.demo.application.explain import explain, moment
from broker.demo.application.logout import signed_out
from broker.demo.application.problems import Problem
from broker.demo.application.service_calls import ask_for_each, clients_to_ask
from broker.demo.application.sessions import Browsers, BrowserSession, SignedIn
from broker.demo.application.sign_in import SignIn
from broker.demo.calls import Call, Unreachable
from broker.demo.pages import Pages, same_origin
from broker.demo.published import Published
from broker.demo.signed import NotValid

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class Application:
    """The pages and buttons. Every coroutine answers one route of `routes.py`, and may raise `Problem`."""

    def __init__(
        self,
        *,
        own_url: str,
        downstream_url: str,
        clients: Sequence[str],
        published: Published,
        sign_in: SignIn,
        call: Call,
        clock: Callable[[], int],
    ) -> None:
        self._own_url = own_url
        self._downstream_url = downstream_url
        self._clients = clients
        self._published = published
        self._sign_in = sign_in
        self._call = call
        self._clock = clock
        self._browsers = Browsers(secure=own_url.startswith("https:"))
        # Signing out is a form whose answer redirects to the broker, which form-action covers in Chromium.
        self.pages = Pages("application", form_action=f"'self' {_origin(published.issuer)}")

    async def home(self, request: Request) -> Response:
        """The start page: the sign-in button, or the session JWT and the service's answers."""
        session = self._browsers.find(request)
        if session is None or session.signed_in is None:
            return self.pages.page("home.html", clients=self._clients)
        signed_in, now = session.signed_in, self._clock()
        return self.pages.page(
            "signed_in.html",
            name=_name(signed_in),
            ended=signed_in.ended,
            answers=signed_in.answers,
            asked=moment(signed_in.asked_at, now),
            claims=explain(signed_in.session_claims, now),
            session_jwt=signed_in.session_jwt,
            account=f"{self._published.issuer}/account/connections",
        )

    async def begin(self, request: Request) -> Response:
        """Send the browser to the broker, for all Clients or for the one named `organization`."""
        organization = request.query_params.get("organization")
        session = self._browsers.find(request)
        is_new = session is None
        session = session or BrowserSession()
        chosen = organization if organization in self._clients else None
        target = await self._sign_in.begin(session, chosen, self._clock())
        answer = RedirectResponse(target, 303, NO_STORE)
        if is_new:
            self._browsers.open(answer, session)
        return answer

    async def finish(self, request: Request) -> Response:
        """Take the broker's answer, call the service, and show what came of it."""
        session, now = self._browsers.find(request), self._clock()
        signed_in = await self._sign_in.finish(session, request.query_params.multi_items(), now)
        await self._ask(signed_in)
        answer = RedirectResponse("/", 303, NO_STORE)
        self._browsers.close(request)  # a new id for a new state of trust
        attempts = session.attempts if session else {}
        self._browsers.open(answer, BrowserSession(attempts=attempts, signed_in=signed_in))
        return answer

    async def call_again(self, request: Request) -> Response:
        """Call the service once more with the same session JWT."""
        _own_form(request)
        session = self._browsers.find(request)
        if session and session.signed_in:
            await self._ask(session.signed_in)
        return RedirectResponse("/", 303, NO_STORE)

    async def sign_out(self, request: Request) -> Response:
        """End the session here, then at the broker (OpenID Connect RP-Initiated Logout section 2)."""
        _own_form(request)
        session = self._browsers.find(request)
        answer = RedirectResponse(await self._end_session(session), 303, NO_STORE)
        self._browsers.close(request, answer)
        return answer

    async def logout(self, request: Request) -> Response:
        """The broker says that somebody signed out elsewhere (OpenID Connect Back-Channel Logout 1.0)."""
        token = str((await request.form()).get("logout_token", ""))
        try:
            out = await signed_out(
                token, self._published, application_id=self._sign_in.application_id, now=self._clock()
            )
        except NotValid:
            return JSONResponse({"error": "invalid_request"}, 400, NO_STORE)
        except Unreachable:
            return Response(status_code=503, headers=NO_STORE | {"Retry-After": "5"})
        self._browsers.end(out.sub, out.sid)
        return Response(headers=NO_STORE)

    async def problem(self, request: Request, problem: Exception) -> Response:
        """The page for a `Problem`."""
        if not isinstance(problem, Problem):
            raise problem
        answer = self.pages.page("problem.html", status=problem.status, words=problem.words)
        if problem.status == 503:
            answer.headers["Retry-After"] = "5"
        return answer

    async def _ask(self, signed_in: SignedIn) -> None:
        clients = clients_to_ask(signed_in, self._clients)
        signed_in.answers = await ask_for_each(self._call, self._downstream_url, signed_in.session_jwt, clients)
        signed_in.asked_at = self._clock()

    async def _end_session(self, session: BrowserSession | None) -> str:
        if session is None or session.signed_in is None:
            return "/"
        hints = {
            "id_token_hint": session.signed_in.id_token,
            "client_id": self._sign_in.application_id,
            "post_logout_redirect_uri": f"{self._own_url}/",
        }
        try:
            return f"{await self._published.endpoint('end_session_endpoint')}?{urlencode(hints)}"
        except Unreachable:
            return "/"


def _own_form(request: Request) -> None:
    if not same_origin(request):
        raise Problem("form_refused")


def _name(signed_in: SignedIn) -> str:
    claims = signed_in.identity
    return next((str(claims[name]) for name in ("name", "email") if claims.get(name)), "")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
