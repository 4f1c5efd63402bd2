"""Servers load an application first and fork then: a child follows on its own, though threads do not come along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.verifier.issuer import APPLICATION, SECRET, local_issuer

SERVER = """\
import os, sys, time
from partner_ops_verifier import Feed, TokenRefused, Verifier

issuer, audience, application, secret, token = sys.argv[1:]
verifier = Verifier(issuer, audience, feed=Feed(application_id=application, secret=secret, closed_after=20))
verifier.start()
deadline = time.monotonic() + 20


def until(text):
    while time.monotonic() < deadline:
        try:
            verifier.verify(token)
            said = "good"
        except Exception as error:
            said = error.code
        if said == text:
            print(said, flush=True)
            return
        time.sleep(0.01)
    sys.exit("nothing happened")


until("good")
child = os.fork()
if child == 0:
    print("child", flush=True)
    until("revoked")
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_child_hears_of_revocations(tmp_path: Path) -> None:
    """The parent had begun to follow before it forked."""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with local_issuer() as issuer:
        token = issuer.tokens.mint("usr_ada")
        command = [sys.executable, str(script), issuer.url, issuer.tokens.audience, APPLICATION, SECRET, token]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == "good\n"
            assert server.stdout.readline() == "child\n"
            issuer.revoke("sub", "usr_ada")
            assert server.stdout.readline() == "revoked\n"
            assert server.wait(20) == 0
            issuer.cut()

    assert len(issuer.resumed) == 2
