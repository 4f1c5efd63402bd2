"""`broker demo` as people start it: a process of its own, on three neighbouring ports, ended by Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Page

from tests.servers.port import LOOPBACK, free_port
from tests.servers.process import NotReady, start, stop, wait_until_ready

pytestmark = pytest.mark.anyio

BROKER = Path(sys.executable).with_name("broker")
STARTS_WITHIN = 10.0  # seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Demo:
    """A running demo. `seconds`: how long it took to be ready."""

    process: subprocess.Popen[bytes]
    port: int
    seconds: float
    output: Path
    log: Path


@contextmanager
def _running(folder: Path, **environment: str) -> Iterator[Demo]:
    """The demo on ports that were free a moment ago; on others where somebody was quicker."""
    for _ in range(4):
        with suppress(NotReady):
            demo = _started(folder, **environment)
            break
    else:
        demo = _started(folder, **environment)
    try:
        yield demo
    finally:
        stop(demo.process)


def _started(folder: Path, **environment: str) -> Demo:
    port = _three_free_ports()
    output, log = folder / f"output-{port}", folder / f"log-{port}"
    began = time.monotonic()
    process = start(
        [BROKER, "demo"], log=log, output=output, environment={"BROKER_DEMO_PORT": str(port), **environment}
    )
    wait_until_ready(process, lambda: "Ctrl-C ends it." in output.read_text(), log)
    return Demo(process=process, port=port, seconds=time.monotonic() - began, output=output, log=log)


def _three_free_ports() -> int:
    while True:
        first = free_port()
        with ExitStack() as taken, suppress(OSError, OverflowError):
            for port in range(first, first + 3):
                taken.enter_context(_listening(port))
            return first


@contextmanager
def _listening(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, port))
        listener.listen()
        yield


def _end(demo: Demo, how: signal.Signals) -> int:
    demo.process.send_signal(how)
    return demo.process.wait(timeout=10)


def test_the_demo_starts_says_where_it_is_and_ends(tmp_path: Path) -> None:
    """Three addresses that answer; Ctrl-C is an ordinary end, which leaves nothing behind."""
    throw_away = tmp_path / "tmp"
    throw_away.mkdir()
    with _running(tmp_path, TMPDIR=str(throw_away)) as demo:
        said = demo.output.read_text()
        for number, path in enumerate(("/readyz", "/.well-known/openid-configuration", "/")):
            url = f"http://localhost:{demo.port + number}"
            assert f"{url}\n" in said
            assert httpx2.get(url + path).status_code == 200
        assert [folder.name.startswith("partner-ops-demo-") for folder in throw_away.iterdir()] == [True]

        assert _end(demo, signal.SIGINT) == 0
        assert "The demo has ended; nothing of it is left." in demo.output.read_text()
        assert (list(throw_away.iterdir()), demo.log.read_text()) == ([], "")


def test_the_demo_is_there_within_ten_seconds(tmp_path: Path) -> None:
    """The quickest of three starts: what else the machine is doing meanwhile is not the demo's fault."""
    for _start in range(3):
        with _running(tmp_path) as demo:
            if demo.seconds < STARTS_WITHIN:
                return
    raise AssertionError(f"the demo took {demo.seconds:.1f} s, three times")


def test_the_demo_ends_when_the_machine_asks(tmp_path: Path) -> None:
    """SIGTERM is an ordinary end, too."""
    with _running(tmp_path) as demo:
        assert _end(demo, signal.SIGTERM) == 0


async def _sign_in(page: Page, application: str) -> None:
    """Ada, for the first time, from the Application's page and back to it."""
    await page.goto(application)
    await page.get_by_role("link", name="Sign in with Partner Ops").click()
    await page.get_by_role("button", name="Sign in with Google").click()
    await page.get_by_text("Ada Lovelace").click()
    await page.get_by_role("button", name="Allow").click()
    await page.get_by_label("I accept the privacy policy and the terms").check()
    await page.get_by_label("I am 18 or older").check()
    await page.get_by_role("button", name="Accept and continue").click()
    await page.wait_for_url(f"{application}/")


async def test_the_demo_does_what_it_says(tmp_path: Path, page: Page) -> None:
    """What it tells to click: sign in, disconnect, call again. All on one host, whose cookies the three share."""
    with _running(tmp_path) as demo:
        broker, application = f"http://localhost:{demo.port}", f"http://localhost:{demo.port + 2}"
        await _sign_in(page, application)
        assert await page.locator(".answers .label").all_inner_texts() == ["Allowed", "Allowed"]

        await page.goto(f"{broker}/account/connections")
        await page.get_by_role("link", name="Disconnect Google").click()
        await page.get_by_role("button", name="Disconnect Google").click()
        await page.get_by_text("Disconnected here, and Google has been told.").wait_for()
        await page.goto(application)
        await page.get_by_role("button", name="Call the service again").click()
        await page.get_by_text("Refused").first.wait_for()
        assert await page.locator(".answers .label").all_inner_texts() == ["Refused", "Refused"]
        assert _end(demo, signal.SIGINT) == 0


async def test_signing_out_at_the_provider_signs_out_of_the_application(tmp_path: Path, page: Page) -> None:
    """The Provider tells the broker, and the broker the Application, which nobody has visited meanwhile."""
    with _running(tmp_path) as demo:
        provider, application = f"http://localhost:{demo.port + 1}", f"http://localhost:{demo.port + 2}"
        await _sign_in(page, application)
        await page.goto(provider)
        await page.get_by_role("button", name="Sign Ada Lovelace out of Partner Ops").click()
        await page.wait_for_url(f"{provider}/")
        for _ in range(60):
            await page.goto(application)
            if await page.get_by_role("heading", name="You were signed out").count():
                break
            await page.wait_for_timeout(250)
        await page.get_by_role("button", name="Call the service again").click()
        await page.get_by_text("Refused").first.wait_for()
        await page.get_by_role("link", name="Sign in with Partner Ops").click()
        await page.get_by_role("button", name="Sign in with Google").wait_for()
        assert _end(demo, signal.SIGINT) == 0


@pytest.mark.parametrize("number", [0, 2])
def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path, number: int) -> None:
    """The first or the last: nothing is started, the exit code is 1, and the advice is a command that can be typed."""
    first = _three_free_ports()
    with _listening(first + number):
        done = _fails(BROKER_DEMO_PORT=str(first))

    assert f"Port {first + number} cannot be used (Address already in use)." in done.stderr
    assert "BROKER_DEMO_PORT=9000 make demo" in done.stderr
    assert done.stdout == ""
    with _listening(first + (number + 1) % 3):  # the others were let go of
        pass


@pytest.mark.parametrize("port", ["65534", "eighty"])
def test_what_is_no_port_is_named(port: str) -> None:
    """Three ports must fit behind it."""
    done = _fails(BROKER_DEMO_PORT=port)

    assert done.stderr == f"BROKER_DEMO_PORT={port} is not a port from 1 to 65533.\n"


def test_with_google_s_own_credentials_there_is_no_stand_in(tmp_path: Path) -> None:
    """The demo then leads to the real Google, and serves nothing in its place."""
    with _running(tmp_path, GOOGLE_CLIENT_ID="an-id", GOOGLE_CLIENT_SECRET="a-secret") as demo:
        assert "the real Google" in demo.output.read_text()
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://localhost:{demo.port + 1}")
        assert "a-secret" not in demo.output.read_text() + demo.log.read_text()


def _fails(**environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([BROKER, "demo"], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    return done
