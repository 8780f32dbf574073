"""Failures of a command, and their exit status."""

from http import HTTPStatus
from typing import Any

from workstation.exit_status import ExitStatus


class Exit(ExitStatus):
    """How a command of clients and operators ended."""

    OK = 0, "The command did what it says."
    USAGE = 2, "The command line is wrong. Nothing was sent."
    ORDER_REJECTED = (
        3,
        "A pre-trade check rejected the order. The system stores it with the reason.",
    )
    REFUSED = 4, "The request is malformed, or a rule does not allow it (400, 413, 415, 422)."
    AUTHENTICATION = 5, "The caller is not known, or may not do this (401, 403)."
    NOT_FOUND = 6, "The named item does not exist, or not for this client (404)."
    CONFLICT = 7, "The state does not allow it any more, or something changed meanwhile (409, 410)."
    RATE_LIMITED = 8, "The API key has sent too many requests, and waiting did not help (429)."
    UNREACHABLE = 9, "There was no answer. The change may have been made."
    SERVER_ERROR = 10, "The system failed (500 and above)."
    CONFIGURATION = (
        11,
        "A profile or an address is missing, or a file is unusable. Nothing was sent.",
    )


OF_STATUS: dict[int, Exit] = {
    HTTPStatus.UNAUTHORIZED: Exit.AUTHENTICATION,
    HTTPStatus.FORBIDDEN: Exit.AUTHENTICATION,
    HTTPStatus.NOT_FOUND: Exit.NOT_FOUND,
    HTTPStatus.CONFLICT: Exit.CONFLICT,
    HTTPStatus.GONE: Exit.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS: Exit.RATE_LIMITED,
}


class Failure(Exception):
    """Ends a command. `problem`: the RFC 9457 problem of the API, or one of the same form."""

    def __init__(
        self, status: Exit, problem: dict[str, Any], idempotency_key: str | None = None
    ) -> None:
        super().__init__(problem.get("detail", ""))
        self.status = status
        self.problem = problem
        self.idempotency_key = idempotency_key

    @classmethod
    def here(
        cls, status: Exit, code: str, detail: str, idempotency_key: str | None = None
    ) -> "Failure":
        """Make a failure that happened before an answer of the API."""
        return cls(status, {"code": code, "detail": detail}, idempotency_key)

    @classmethod
    def answered(
        cls, status: int, problem: dict[str, Any], idempotency_key: str | None
    ) -> "Failure":
        """Make a failure from an answer of the API."""
        otherwise = (
            Exit.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Exit.REFUSED
        )
        return cls(OF_STATUS.get(status, otherwise), problem, idempotency_key)

    @property
    def may_be_repeated(self) -> bool:
        """Whether a repetition under the same key may succeed. It does nothing twice."""
        return self.status in (Exit.RATE_LIMITED, Exit.UNREACHABLE, Exit.SERVER_ERROR)

    @property
    def document(self) -> dict[str, Any]:
        """The failure as JSON, for scripts."""
        return self.problem | (
            {"idempotency_key": self.idempotency_key} if self.idempotency_key else {}
        )

    @property
    def lines(self) -> list[str]:
        """The failure as text, for people."""
        problem = self.problem
        head = " ".join(str(problem[part]) for part in ("status", "code") if part in problem)
        lines = [f"{head}: {problem.get('detail', '')}"]
        lines += [
            f"  {error.get('field')}: {error.get('message')}" for error in problem.get("errors", ())
        ]
        lines += [f"  {name}: {value}" for name, value in problem.get("details", {}).items()]
        if "request_id" in problem:
            lines.append(f"  request id: {problem['request_id']}")
        if self.idempotency_key and self.may_be_repeated:
            lines.append(
                f"  It may have succeeded. Repeat the command with --key {self.idempotency_key}: "
                "it is done once."
            )
        return lines
