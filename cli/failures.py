"""What can go wrong, and the exit status that says so."""

from enum import IntEnum
from http import HTTPStatus
from typing import Any


class Exit(IntEnum):
    """What an exit status means: `MEANING`."""

    OK = 0
    USAGE = 2
    ORDER_REJECTED = 3
    REFUSED = 4
    AUTHENTICATION = 5
    NOT_FOUND = 6
    CONFLICT = 7
    RATE_LIMITED = 8
    UNREACHABLE = 9
    SERVER_ERROR = 10
    CONFIGURATION = 11


MEANING = {
    Exit.OK: "done",
    Exit.USAGE: "the command was written wrongly; nothing was sent",
    Exit.ORDER_REJECTED: "the order was taken and rejected by a pre-trade check; it is kept, with its reason",
    Exit.REFUSED: "the API refused the request: its form, or a rule (400, 413, 415, 422)",
    Exit.AUTHENTICATION: "who asks is not known, or may not (401, 403)",
    Exit.NOT_FOUND: "there is no such thing, or not for this client (404)",
    Exit.CONFLICT: "it is not in the state for that any more, or was changed meanwhile (409)",
    Exit.RATE_LIMITED: "too many requests, still after the patience (429)",
    Exit.UNREACHABLE: "no answer: what was to be changed may have been",
    Exit.SERVER_ERROR: "something failed on the other side (500 and above)",
    Exit.CONFIGURATION: "no profile, no address, or a file that cannot be used; nothing was sent",
}

OF_STATUS: dict[int, Exit] = {
    HTTPStatus.UNAUTHORIZED: Exit.AUTHENTICATION,
    HTTPStatus.FORBIDDEN: Exit.AUTHENTICATION,
    HTTPStatus.NOT_FOUND: Exit.NOT_FOUND,
    HTTPStatus.CONFLICT: Exit.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS: Exit.RATE_LIMITED,
}


class Failure(Exception):
    """Why a command ends. `problem`: RFC 9457, as the API answered it, or in the same form what
    happened on this side.
    """

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
        """What happened on this side, without an answer."""
        return cls(status, {"code": code, "detail": detail}, idempotency_key)

    @classmethod
    def answered(
        cls, status: int, problem: dict[str, Any], idempotency_key: str | None
    ) -> "Failure":
        """What the API refused."""
        otherwise = (
            Exit.SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Exit.REFUSED
        )
        return cls(OF_STATUS.get(status, otherwise), problem, idempotency_key)

    @property
    def may_be_repeated(self) -> bool:
        """The same command under the same key may yet succeed, and does nothing twice."""
        return self.status in (Exit.RATE_LIMITED, Exit.UNREACHABLE, Exit.SERVER_ERROR)

    @property
    def document(self) -> dict[str, Any]:
        """For scripts."""
        return self.problem | (
            {"idempotency_key": self.idempotency_key} if self.idempotency_key else {}
        )

    @property
    def lines(self) -> list[str]:
        """For people."""
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
                f"  It is not known to have failed. The same command with --key {self.idempotency_key} does it once."
            )
        return lines
