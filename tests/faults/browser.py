"""A browser at the broker's pages: signs in at the demo Provider, visits Applications, allows, looks, signs out.

Has no cookies but those that it is handed: it is whoever's it is told to be.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2

from tests.faults.asking import Asking
from tests.faults.history import Kind, mark
from tests.faults.pair import REDIRECT_URI
from tests.faults.possessions import Asked, Family, Session

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Browser:
    """`last`: what it asks now is asked at the end."""

    def __init__(self, asking: Asking, *, last: bool = False) -> None:
        self._asking = asking
        self._last = last

    async def begin(self, user: str, asked: Asked | None) -> tuple[str, str, str] | None:
        """Go to the Provider and come back: the callback, its cookies, and the state; None where that did not work."""
        answer = await self._asking.page("POST", "/sign-in/google", form={} if asked is None else asked.parameters)
        if answer is None or answer.status_code != 303:
            return None
        there = urlsplit(answer.headers["Location"])
        hinted = urlencode(
            [*(pair for pair in parse_qsl(there.query) if pair[0] != "login_hint"), ("login_hint", user)]
        )
        back = await self._asking.exchange(httpx2.Request("GET", there._replace(query=hinted).geturl()))
        location = urlsplit(back.headers["Location"])
        cookies = "; ".join(line.partition(";")[0] for line in answer.headers.get_list("Set-Cookie"))
        return f"{location.path}?{location.query}", cookies, parse_qs(location.query)["state"][0]

    async def sign_in(
        self, user: str, asked: Asked | None, trip: tuple[str, str, str]
    ) -> tuple[Session | None, Family | None]:
        """Come back from the Provider."""
        path, cookies, state = trip
        application = "" if asked is None else asked.application
        number = self._asking.recorder.invoke("sign_in", user=user, application=application, state=mark(state))
        answer = await self._asking.answer(number, "GET", path, cookies=cookies)
        if answer is None:
            return None, None
        cookie = next((c for c in answer.headers.get_list("Set-Cookie") if c.startswith("partner_ops_session=")), "")
        value = cookie.partition(";")[0].partition("=")[2]
        if answer.status_code != 303 or not value:
            self._asking.refused(number, answer, {400: "used_state"})
            return None, None
        session = Session(user=user, cookie=value)
        family = _family(session, asked, answer)
        learnt = {} if family is None else {"code": mark(family.code)}
        self._asking.done(number, answer, session=session.name, **learnt)
        return session, family

    async def authorize(self, session: Session, asked: Asked) -> Family | None:
        """Visit an Application again; at one that needs a consent, with that consent."""
        family, needs_consent = await self._authorize(session, asked, "authorize")
        if needs_consent and session.csrf:
            family, _ = await self._authorize(session, asked, "allow")
        return family

    async def _authorize(self, session: Session, asked: Asked, kind: Kind) -> tuple[Family | None, bool]:
        number = self._asking.recorder.invoke(
            kind, user=session.user, session=session.name, application=asked.application
        )
        if kind == "authorize":
            path = f"/oauth/authorize?{urlencode(asked.parameters)}"
            answer = await self._asking.answer(number, "GET", path, cookies=_cookie(session))
        else:
            form = {**asked.parameters, "csrf": session.csrf, "decision": "allow"}
            answer = await self._asking.answer(number, "POST", "/oauth/consent", form=form, cookies=_cookie(session))
        if answer is None:
            return None, False
        if (family := _family(session, asked, answer)) is not None:
            self._asking.done(number, answer, code=mark(family.code))
            return family, False
        needs_consent = answer.headers.get("Location", "").startswith("/oauth/consent")
        session.over = session.over or (answer.status_code == 303 and not needs_consent)
        self._asking.refused(number, answer, {303: "consent_needed" if needs_consent else "signed_out"})
        return None, needs_consent

    async def look(self, session: Session) -> bool:
        """Open a page of one's own; whether there was an answer."""
        number = self._asking.recorder.invoke("look", user=session.user, session=session.name, last=self._last)
        answer = await self._asking.answer(number, "GET", "/account/sessions", cookies=_cookie(session))
        if answer is None:
            return False
        if answer.status_code == 200 and (found := _CSRF.search(answer.text)) is not None:
            session.csrf = found[1]
            self._asking.done(number, answer)
            return True
        session.over = session.over or answer.status_code == 303
        self._asking.refused(number, answer, {303: "signed_out"})
        return answer.status_code == 303

    async def sign_out(self, session: Session) -> None:
        """Press the button."""
        await self._press("sign_out", session, "/account/sign-out")

    async def remove_access(self, session: Session, application: str) -> None:
        """Take an Application's access away."""
        path = f"/account/applications/{application}/remove"
        await self._press("remove_access", session, path, application=application)

    async def _press(self, kind: Kind, session: Session, path: str, **known: str) -> None:
        if not session.csrf:
            return
        number = self._asking.recorder.invoke(kind, user=session.user, session=session.name, **known)
        form = {"csrf": session.csrf}
        answer = await self._asking.answer(number, "POST", path, form=form, cookies=_cookie(session))
        if answer is None:
            return
        session.over = session.over or kind == "sign_out" or answer.status_code == 303
        if answer.status_code == 200:
            self._asking.done(number, answer)
        else:
            self._asking.refused(number, answer, {303: "signed_out", 404: "nothing_to_remove"})


def _family(session: Session, asked: Asked | None, answer: httpx2.Response) -> Family | None:
    """That of the code which an answer brings an Application."""
    location = answer.headers.get("Location", "")
    code = parse_qs(urlsplit(location).query).get("code", [""])[0]
    if asked is None or not location.startswith(REDIRECT_URI) or not code:
        return None
    return Family(session=session, application=asked.application, code=code, verifier=asked.verifier)


def _cookie(session: Session) -> str:
    return f"partner_ops_session={session.cookie}"
