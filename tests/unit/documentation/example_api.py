"""Runs the examples of a page against an API that keeps what they send."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from textwrap import dedent
from threading import Thread
from typing import Any

from trading.domain.clients.signed_requests import SignedMessage

DOCS = Path(__file__).resolve().parents[3] / "docs"
STAGE = "/dev"
LOG_IN = "/api/v1/auth/token"
TOKEN = "the.token"
RUN_BY = {"python": [sys.executable, "-"], "bash": ["bash", "-s"], "sh": ["sh", "-s"]}


def examples(page: str, language: str) -> list[str]:
    """The examples of a page in one language, without their indentation."""
    text = (DOCS / page).read_text()
    fence = rf"^( *)```{language}\n(.*?)^\1```$"
    return [dedent(found[2]) for found in re.finditer(fence, text, flags=re.MULTILINE | re.DOTALL)]


@dataclass(frozen=True)
class Received:
    """A request: its parts that a signature covers, and its body."""

    message: SignedMessage
    body: bytes

    @property
    def path(self) -> str:
        return self.message.path

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return {key.lower(): value for key, value in self.message.headers}.get(name.lower())


@dataclass
class Api:
    """The requests that came, how many of them at one path are yet to fail with 503, and the code
    with which log-ins are refused.
    """

    answer: Mapping[str, str]
    url: str = ""
    received: list[Received] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    refusal: str | None = None

    def take(self, request: Received) -> tuple[HTTPStatus, Any]:
        self.received.append(request)
        if self.failures.get(request.path, 0):
            self.failures[request.path] -= 1
            return HTTPStatus.SERVICE_UNAVAILABLE, {"code": "UNAVAILABLE"}
        if request.path == LOG_IN:
            if self.refusal:
                return HTTPStatus.FORBIDDEN, {"code": self.refusal}
            return HTTPStatus.OK, {"token_type": "Bearer", "jwt_token": TOKEN, "permissions": []}
        return HTTPStatus.CREATED, self.answer


@contextmanager
def listening(answer: Mapping[str, str]) -> Iterator[Api]:
    """An API on this machine. It answers log-ins with TOKEN, and all else with `answer`."""
    api = Api(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            path = self.path.removeprefix(STAGE)
            message = SignedMessage("POST", path, [], [*self.headers.items()])
            status, found = api.take(Received(message, body))
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}{STAGE}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


def run(language: str, code: str, directory: Path, **environment: str) -> str:
    """Run an example in a directory. Returns what it printed."""
    ran = _ran(language, code, directory, environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def run_failing(language: str, code: str, directory: Path, **environment: str) -> str:
    """Run an example that fails. Returns what it printed."""
    ran = _ran(language, code, directory, environment)
    assert ran.returncode != 0
    return ran.stdout


def _ran(
    language: str, code: str, directory: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        RUN_BY[language],
        input=code,
        env=os.environ | environment,
        cwd=directory,
        capture_output=True,
        text=True,
    )
