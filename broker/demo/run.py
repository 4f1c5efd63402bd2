"""Owns `broker demo`: three servers in one process on embedded defaults, in a folder that goes away afterwards.

Refuses to start half of it: all three ports are taken first, or none.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp

from broker.app import apply_file, create_app
from broker.demo.application import create_application
from broker.demo.downstream import create_downstream
from broker.demo.files import APPLICATION_ID, AUDIENCE, PROVIDER_CLIENT_ID, Addresses, write_files
from broker.demo.provider import DemoRegistration, create_provider
from broker.settings.load import load
from broker.storage.migrate import migrate
from broker.web import logs
from broker.web.serving import listen, server

DEFAULT_PORT = 8000


def run_demo(environment: Mapping[str, str]) -> int:
    """Serve until Ctrl-C. The exit code: 0, or 1 when the ports are not to be had."""
    logs.configure(logs.WARNING)
    text = environment.get("BROKER_DEMO_PORT", str(DEFAULT_PORT))
    if not text.isdigit() or not 1 <= int(text) <= 65533:
        return _cannot(f"BROKER_DEMO_PORT={text} is not a port from 1 to 65533.")
    addresses = Addresses(port=int(text))
    listening: list[socket.socket] = []
    try:
        for port in range(addresses.port, addresses.port + 3):
            listening.append(listen("127.0.0.1", port))
    except OSError as error:
        for taken in listening:
            taken.close()
        port = addresses.port + len(listening)
        return _cannot(
            f"Port {port} cannot be used ({error.strerror}). "
            f"End what uses it, or choose three other ports: BROKER_DEMO_PORT=9000 make demo"
        )
    with tempfile.TemporaryDirectory(prefix="partner-ops-demo-") as folder, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Path(folder), addresses, listening, environment))
    print("\nThe demo has ended; nothing of it is left.")  # noqa: T201
    return 0


async def _serve(
    folder: Path, addresses: Addresses, listening: list[socket.socket], environment: Mapping[str, str]
) -> None:
    settings_file, clients_file, stand_in_secret = write_files(folder, addresses, environment)
    settings = load(settings_file, environment)
    await migrate(settings.database_url)
    await apply_file(settings, clients_file, dry_run=False)

    service = create_downstream(issuer=addresses.broker, audience=AUDIENCE)
    apps: list[ASGIApp] = [create_app(settings)]
    if stand_in_secret is not None:
        registration = DemoRegistration(
            client_id=PROVIDER_CLIENT_ID,
            client_secret=stand_in_secret,
            redirect_uris=[f"{addresses.broker}/callback/google"],
            backchannel_logout_uri=f"{addresses.broker}/callback/google/logout",
        )
        apps.append(create_provider(issuer=addresses.provider, registrations=[registration]).app)
    else:
        listening.pop(1).close()
    apps.append(
        create_application(
            issuer=addresses.broker,
            application_id=APPLICATION_ID,
            redirect_uri=f"{addresses.application}/callback",
            own_url=addresses.application,
            downstream_url=f"{addresses.application}/service",
            service=service,
        )
    )
    servers = [server(app, lifespan=app is apps[0], signals=False) for app in apps]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.create_task(one._serve(sockets=[own])) for one, own in zip(servers, listening, strict=True)]
    while not all(one.started for one in servers):
        await asyncio.sleep(0.01)
        if any(task.done() for task in running):
            break
    print(_welcome(addresses, real_google=stand_in_secret is None), flush=True)  # noqa: T201
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *running], return_when=asyncio.FIRST_COMPLETED)
    for one in servers:
        one.should_exit = True
    await asyncio.gather(*running)
    waiting.cancel()


def _cannot(why: str) -> int:
    print(why, file=sys.stderr)  # noqa: T201
    return 1


def _welcome(addresses: Addresses, *, real_google: bool) -> str:
    provider = "the real Google" if real_google else addresses.provider
    who = "your Google account" if real_google else "Ada (Acme and Globex), Grace (Globex) or a stranger"
    sign_out = f"{addresses.broker}/account/sessions" if real_google else f"the Provider ({addresses.provider})"
    return f"""
The demo is running.

  Application, with its service   {addresses.application}
  Partner Ops broker              {addresses.broker}
  Provider                        {provider}

What to click:
  1. Open {addresses.application} and choose "Sign in with Partner Ops", then Google.
  2. Choose {who}, and see the session JWT with each Client's Authorizations.
  3. Open {addresses.broker}/account/connections, disconnect Google, and call the service again.
  4. Sign in again, and sign out at {sign_out}: the Application is told, and says so.

Ctrl-C ends it.
"""
