"""The caller of a request, as the authorizer verified the token."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from trading.adapters.http.problems import HttpError, ProblemCode
from trading.adapters.http.throttle import Allowance
from trading.domain.clients.second_factor import Method


@dataclass(frozen=True)
class Principal:
    """The caller. Its token ends at `expires_at`, in Unix seconds, or when tokens of its
    `generation` are ended. methods: how the owner of the token authenticated (RFC 8176).
    """

    client_id: str
    permissions: frozenset[str]
    api_key: str
    expires_at: int
    generation: int
    methods: frozenset[str] = frozenset()

    @property
    def who(self) -> str:
        """The caller as the audit log names it: an operator, and the key that was used."""
        return f"{self.client_id} ({self.api_key})"

    @property
    def has_second_factor(self) -> bool:
        """Whether the token was obtained with a second factor."""
        return Method.SEVERAL in self.methods

    @classmethod
    def of(cls, context: Mapping[str, str]) -> "Principal":
        """The principal in the authorizer's context. Raises HttpError 401 if there is none."""
        try:
            return cls(
                context["client_id"],
                frozenset(context["permissions"].split()),
                context["api_key"],
                int(context["expires_at"]),
                int(context["generation"]),
                frozenset(context.get("methods", "").split()),
            )
        except KeyError:
            raise _unauthenticated("A valid token is required.") from None

    def check_not_expired(self, now: datetime) -> None:
        """Raise HttpError 401 from `expires_at` on. API Gateway keeps the authorizer's verdict on a
        token, so the token may have expired since.
        """
        if self.expires_at <= now.timestamp():
            raise _unauthenticated("The token has expired. Log in again.")

    def check_not_ended(self, generation: int) -> None:
        """Raise HttpError 401 if tokens before `generation` have ended and this is one."""
        if self.generation < generation:
            raise _unauthenticated("This token was ended. Log in again.")

    def check_allowed(self, allowance: Allowance) -> None:
        """Raise HttpError 429 if the rate limit of the key is reached, and 401 if the token was
        ended.
        """
        if not allowance.granted:
            raise HttpError(
                HTTPStatus.TOO_MANY_REQUESTS,
                ProblemCode.RATE_LIMITED,
                "Too many requests with this key.",
                headers={"Retry-After": str(allowance.retry_after_seconds)},
            )
        self.check_not_ended(allowance.generation)

    def check_permission(self, permission: str) -> None:
        """Raise HttpError 403 if the caller does not have it."""
        if permission not in self.permissions:
            raise HttpError(
                HTTPStatus.FORBIDDEN,
                ProblemCode.FORBIDDEN,
                f"This needs the permission {permission}.",
            )


def _unauthenticated(message: str) -> HttpError:
    return HttpError(HTTPStatus.UNAUTHORIZED, ProblemCode.UNAUTHENTICATED, message)
