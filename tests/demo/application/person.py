"""A person at the demo Application, with a fake broker and the real downstream service behind it."""

from __future__ import annotations

from httpx2 import Response
from starlette.testclient import TestClient

from broker.demo.application import create_application
from broker.demo.downstream import create_downstream
from tests.demo.fake_broker import APPLICATION, AUDIENCE, ISSUER, NOW, FakeBroker, Wire

OWN = "https://app.example"
SERVICE = "https://service.example"


class Person:
    """One browser, at a time that stands still until it is moved."""

    def __init__(self) -> None:
        self.broker = FakeBroker()
        self.now = NOW
        self.wire = Wire({ISSUER: self.broker.app})
        service = create_downstream(issuer=ISSUER, audience=AUDIENCE, call=self.wire, clock=lambda: self.now)
        self.wire.apps[SERVICE] = service
        app = create_application(
            issuer=ISSUER,
            application_id=APPLICATION,
            redirect_uri=f"{OWN}/callback",
            own_url=OWN,
            downstream_url=SERVICE,
            service=service,
            call=self.wire,
            clock=lambda: self.now,
        )
        self.browser = TestClient(app, base_url=OWN, follow_redirects=False)
        self.at_broker = TestClient(self.broker.app, base_url=ISSUER, follow_redirects=False)

    def come_back(self, start: str = "/sign-in") -> str:
        """Start to sign in, go to the broker, and stop with the address one is sent back to."""
        away = self.browser.get(start)
        assert away.status_code == 303, away.text
        back: str = self.at_broker.get(away.headers["location"]).headers["location"]
        return back

    def sign_in(self, start: str = "/sign-in") -> Response:
        """The whole way, up to the Application's answer to the callback."""
        return self.browser.get(self.come_back(start))

    def home(self) -> str:
        return self.browser.get("/").text
