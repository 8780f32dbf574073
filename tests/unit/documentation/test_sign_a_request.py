"""The examples of docs/how-to/sign-a-request.md sign as the API wants it."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from trading.adapters.identity.request_signatures import verify
from trading.adapters.identity.signature_keys import public_key_of
from trading.domain.clients.signed_requests import SignedMessage

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "how-to" / "sign-a-request.md").read_text()
SECRET = "the secret/of+an=operator"
KEY = "operations-1"
EXAMPLES = {"python": [sys.executable, "-"], "bash": ["bash", "-s"]}


def example(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(code)


class Api(BaseHTTPRequestHandler):
    """Takes the log-in, and keeps every other request."""

    received: ClassVar[list[tuple[SignedMessage, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/auth/token"):
            assert json.loads(body) == {"api_key": KEY, "api_secret": SECRET}
            answer: Any = {"token_type": "Bearer", "jwt_token": "the.token", "permissions": []}
        else:
            path = self.path.removeprefix("/dev")
            self.received.append((SignedMessage("POST", path, [], [*self.headers.items()]), body))
            answer = {"reference": json.loads(body)["reference"]}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.mark.enable_socket
@pytest.mark.parametrize("language", EXAMPLES)
def test_an_example_sends_a_request_that_is_signed(language: str) -> None:
    Api.received.clear()
    server = HTTPServer(("127.0.0.1", 0), Api)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        ran = subprocess.run(  # noqa: S603
            EXAMPLES[language],
            input=example(language),
            env=os.environ
            | {
                "API": f"http://127.0.0.1:{server.server_port}/dev",
                "API_KEY": KEY,
                "API_SECRET": SECRET,
            },
            capture_output=True,
            text=True,
        )
    finally:
        server.shutdown()
        server.server_close()
    assert ran.returncode == 0, ran.stderr
    assert f"wire-{'curl' if language == 'bash' else language}" in ran.stdout
    ((message, body),) = Api.received
    assert message.path == "/api/v1/admin/clients/alice/withdrawals"
    assert verify(message, body, KEY, [public_key_of(SECRET)], datetime.now(UTC))
