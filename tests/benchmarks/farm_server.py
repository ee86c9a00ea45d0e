"""A folder of feeds served on loopback addresses by a process of its own: nginx, else a few lines of asyncio.

49 addresses (127.0.0.2 to 127.0.0.50) stand for 49 hosts. In ``VALIDATORS`` the server gives ETag and
Last-Modified and answers 304; in ``PLAIN`` it gives neither and sends every body anew. The port above is the
same over TLS, with a new connection for each request. Bodies are packed beforehand (``.gz``), so that the
server has little to do; what it does is counted to nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import certifi
import trustme

HOSTS = 49
VALIDATORS, PLAIN = "validators", "plain"

_NGINX = """
{user} worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  types {{ application/xml xml; }} sendfile on; tcp_nopush on; keepalive_requests 100000; server_tokens off;
  etag {etag}; if_modified_since {since}; gzip_static on; gzip_vary on; gzip off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  log_format short '$status'; access_log {folder}/access.log short;
  ssl_session_cache shared:s:10m; ssl_session_tickets on; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
  server {{ {plain} keepalive_timeout 60s; root {folder}/www; location / {{ {hide} }} }}
  server {{ {secure} keepalive_timeout 0; root {folder}/www; location / {{ {hide} }} }}
}}
"""


def hosts() -> list[str]:
    """The addresses that stand for hosts."""
    return [f"127.0.0.{2 + n}" for n in range(HOSTS)]


class FarmServer:
    """The server of one farm; `start` and `stop` it, or change its ``mode`` in between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.port, self.tls_port = _free_port(), _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._mode = ""
        (self.folder / "www").mkdir(parents=True, exist_ok=True)
        self._certificates()

    @property
    def bundle(self) -> Path:
        """Certificates to trust: as many as a browser has, and the server's own."""
        return self.folder / "bundle.pem"

    def url(self, number: int, *, tls: bool = False) -> str:
        """Where a feed is."""
        scheme, port = ("https", self.tls_port) if tls else ("http", self.port)
        return f"{scheme}://127.0.0.{2 + number % HOSTS}:{port}/{number}.xml"

    def serve(self, mode: str) -> None:
        """Serve in a mode, from new connections on."""
        if mode == self._mode:
            return
        self.stop()
        self._mode = mode
        command = self._nginx(mode) if shutil.which("nginx") else self._own(mode)
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._wait()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
        self._process, self._mode = None, ""

    def answers(self) -> dict[str, int]:
        """How many answers of each status were given since it was asked last."""
        log = self.folder / "access.log"
        if not log.exists():
            return {}
        found = dict(Counter(log.read_text().split()))
        os.truncate(log, 0)
        return found

    def _wait(self) -> None:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.2", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("the server of the farm does not start")

    def _nginx(self, mode: str) -> list[str]:
        plain = "".join(f"listen {host}:{self.port}; " for host in hosts())
        secure = "".join(f"listen {host}:{self.tls_port} ssl; " for host in hosts())
        text = _NGINX.format(
            folder=self.folder,
            user="user root;" if os.geteuid() == 0 else "",
            plain=plain,
            secure=secure,
            etag="on" if mode == VALIDATORS else "off",
            since="exact" if mode == VALIDATORS else "off",
            hide="" if mode == VALIDATORS else 'add_header Last-Modified "";',
        )
        path = self.folder / "nginx.conf"
        path.write_text(text)
        return ["nginx", "-p", str(self.folder), "-c", str(path)]

    def _own(self, mode: str) -> list[str]:
        ports = [str(self.port), str(self.tls_port)]
        return [sys.executable, "-m", "tests.benchmarks.farm_server", str(self.folder), mode, *ports]

    def _certificates(self) -> None:
        if self.bundle.exists():
            return
        authority = trustme.CA()
        certificate = authority.issue_cert(*hosts())
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        (self.folder / "server.pem").write_bytes(chain)
        certificate.private_key_pem.write_to_path(str(self.folder / "server.key"))
        self.bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())


@contextmanager
def serving(folder: Path) -> Iterator[FarmServer]:
    """A server, ended at the end."""
    server = FarmServer(folder)
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        return int(probe.getsockname()[1])


# -- where there is no nginx -------------------------------------------------------------------------------


async def _answer(
    folder: Path, mode: str, keep: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    log = (folder / "access.log").open("a", buffering=1)
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").split("\r\n")
            asked = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            path = folder / "www" / (Path(first.split()[1]).name + ".gz")
            known = path.stat()
            etag = f'"{known.st_mtime_ns:x}-{known.st_size:x}"'
            if mode == VALIDATORS and asked.get("if-none-match") == etag:
                writer.write(f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode())
                log.write("304\n")
            else:
                body = path.read_bytes()
                told = (
                    f"ETag: {etag}\r\nLast-Modified: {formatdate(known.st_mtime, usegmt=True)}\r\n"
                    if mode == VALIDATORS
                    else ""
                )
                writer.write(
                    f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Encoding: gzip\r\n{told}"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                )
                writer.write(body)
                log.write("200\n")
            await writer.drain()
            if not keep:
                break
    except (asyncio.IncompleteReadError, ConnectionError, FileNotFoundError):
        pass
    finally:
        log.close()
        writer.close()


async def _run(folder: Path, mode: str, port: int, tls_port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    addresses = hosts()
    await asyncio.start_server(lambda r, w: _answer(folder, mode, True, r, w), addresses, port)
    await asyncio.start_server(
        lambda r, w: _answer(folder, mode, False, r, w), addresses, tls_port, ssl=context
    )
    await asyncio.Event().wait()


def main() -> None:
    """Serve a folder until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("mode", choices=(VALIDATORS, PLAIN))
    parser.add_argument("port", type=int)
    parser.add_argument("tls_port", type=int)
    given = parser.parse_args()
    asyncio.run(_run(given.folder, given.mode, given.port, given.tls_port))


if __name__ == "__main__":
    main()
