"""Debian's nginx and Apache, each with one site and an unprivileged folder of its own.

Never touches the machine's own configuration, and starts no service of the machine's.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.port import LOOPBACK
from tests.servers.process import on_a_free_port, start, stop, wait_until_ready

NGINX, APACHE = "/usr/sbin/nginx", "/usr/sbin/apache2"
_NGINX = """\
daemon off;
worker_processes 1;
{user}pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
_MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc")
_APACHE = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Mutex pthread
ErrorLog /dev/stderr
LogLevel warn
Listen {host}:{port}
StartServers 1
ServerLimit 1
ThreadsPerChild 8
ThreadLimit 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
{user}{modules}
Include {folder}/site.conf
"""


@contextmanager
def nginx(folder: Path, site: Callable[[int], str]) -> Iterator[int]:
    """Serve a site, which is told its port; yield the port."""
    user = "user root;\n" if os.geteuid() == 0 else ""

    def at(port: int) -> subprocess.Popen[bytes]:
        (folder / "site.conf").write_text(site(port))
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, user=user))
        return _started([NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", "stderr"], folder, port, {})

    yield from _until_left(at)


@contextmanager
def apache(folder: Path, site: Callable[[int], str], environment: Mapping[str, str]) -> Iterator[int]:
    """The same for Apache, whose configuration may name the variables of `environment`."""
    user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _MODULES)

    def at(port: int) -> subprocess.Popen[bytes]:
        (folder / "site.conf").write_text(site(port))
        text = _APACHE.format(folder=folder, host=LOOPBACK, port=port, user=user, modules=modules)
        (folder / "apache.conf").write_text(text)
        return _started([APACHE, "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"], folder, port, environment)

    yield from _until_left(at)


def _until_left(at: Callable[[int], subprocess.Popen[bytes]]) -> Iterator[int]:
    ports: list[int] = []

    def noted(port: int) -> subprocess.Popen[bytes]:
        process = at(port)
        ports.append(port)
        return process

    process = on_a_free_port(noted)
    try:
        yield ports[-1]
    finally:
        stop(process)


def _started(
    command: list[str | Path], folder: Path, port: int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    log = folder / "log"
    process = start(command, log=log, environment={"PATH": os.environ["PATH"], **environment}, folder=folder)
    wait_until_ready(process, lambda: _answers(port), log)
    return process


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False
