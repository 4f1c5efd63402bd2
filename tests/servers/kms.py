"""AWS KMS as moto plays it, behind its own HTTP server, and the environment in which AWS's tools find one.

Never speaks to AWS: credentials and endpoint are made up.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.port import LOOPBACK
from tests.servers.process import on_a_free_port, start, stop, wait_until_ready


@contextmanager
def kms_server() -> Iterator[str]:
    """Serve on a free loopback port until left; yield the URL."""
    with tempfile.TemporaryDirectory(prefix="kms-") as folder:
        process, url = on_a_free_port(lambda port: _started(Path(folder) / "log", port))
        try:
            yield url
        finally:
            stop(process)


def found_at(url: str) -> dict[str, str]:
    """The environment variables that lead AWS's tools to this KMS."""
    return {
        "AWS_ENDPOINT_URL_KMS": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }


def _started(log: Path, port: int) -> tuple[subprocess.Popen[bytes], str]:
    process = start([sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)], log=log)
    url = f"http://{LOOPBACK}:{port}"
    wait_until_ready(process, lambda: _answers(url), log)
    return process, url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/moto-api/", timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
