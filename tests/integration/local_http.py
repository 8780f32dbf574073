"""An HTTP server on 127.0.0.1 that answers as a test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class HttpRequest:
    """A request as it arrived. `path` includes the query. `headers` has lower-case names and the
    last value of each. `sent` has the headers one by one, as they were written.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    sent: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class HttpAnswer:
    """The response to send."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "HttpAnswer":
        """The response that API Gateway makes of a function's answer."""
        headers = {name: ",".join(values) for name, values in answer["multiValueHeaders"].items()}
        content_type = headers.pop("Content-Type", "")
        return cls(answer["statusCode"], answer["body"].encode(), content_type, headers)


class LocalServer:
    """Serves until `close`, with one thread for each connection."""

    def __init__(self, answer: Callable[[HttpRequest], HttpAnswer]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                sent = tuple(self.headers.items())
                headers = {name.lower(): value for name, value in sent}
                given = answer(HttpRequest(self.command, self.path, headers, body, sent))
                try:
                    self.send_response(given.status)
                    self.send_header("Content-Type", given.content_type)
                    for name, value in given.headers.items():
                        self.send_header(name, value)
                    if "Content-Length" not in given.headers:
                        self.send_header("Content-Length", str(len(given.body)))
                    self.end_headers()
                    self.wfile.write(given.body)
                except (BrokenPipeError, ConnectionResetError):  # the caller has timed out
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Write no access log into the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
