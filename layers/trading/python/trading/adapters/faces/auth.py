"""Log-in: an API key and its secret for an access token, with a code of a second factor if there is
one. Both APIs have this route.
"""

import hashlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Literal, Self

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from pydantic import Field

from trading.adapters.http.fields import Code, Name
from trading.adapters.http.idempotency import Idempotency
from trading.adapters.http.problems import FieldError, HttpError, ProblemCode, unavailable
from trading.adapters.http.request_reading import raw_body
from trading.adapters.http.resolver import ApiResolver, json_response
from trading.adapters.http.signature_check import Signatures, is_signed, verify_log_in
from trading.adapters.identity.login import origin
from trading.adapters.identity.signing_keys import KeysUnavailableError, RetiredKeyError
from trading.adapters.identity.tokens import Grant, Tokens
from trading.domain.clients.credentials import Credential
from trading.domain.clients.second_factor import (
    WITH_CODE,
    InvalidCodeError,
    Method,
    check_may_enrol,
    methods_shown,
)
from trading.domain.values import Frozen, Timestamp
from trading.usecases.identity.log_in import LogIn

TAGS = ["Authentication"]
UseCode = Callable[[str, str, str], None]
"""Uses a code: holder, code, request id. Raises as CheckCode."""


class TokenRequest(Frozen):
    """An API key and its secret. With a `code`, the token shows a second factor."""

    api_key: Name
    api_secret: str = Field(min_length=1, max_length=128)
    code: Code | None = None


class StepUp(Frozen):
    """A code of the second factor."""

    code: Code


class AccessToken(Frozen):
    """A token to send as `Authorization: Bearer {jwt_token}`. `methods` says how it was obtained,
    by the values of RFC 8176. With a second factor, `mfa` is among them.
    """

    jwt_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expiration: Timestamp
    permissions: tuple[str, ...]
    methods: tuple[Method, ...]

    @classmethod
    def of(cls, grant: Grant, signed: str) -> Self:
        return cls(
            jwt_token=signed,
            expiration=grant.expiration,
            permissions=grant.permissions,
            methods=grant.methods,
        )


class LogInRoutes:
    """The routes that issue tokens for keys of one audience."""

    def __init__(
        self,
        app: ApiResolver,
        log_in: LogIn,
        tokens: Tokens,
        idempotency: Idempotency,
        use_code: UseCode,
        signatures: Signatures,
    ) -> None:
        self._app = app
        self._log_in = log_in
        self._tokens = tokens
        self._idempotency = idempotency
        self._use_code = use_code
        self._signatures = signatures

    def add_log_in(self) -> None:
        """Add the log-in with an API key and its secret."""

        @self._app.post(
            "/api/v1/auth/token", permission=None, summary="Get an access token", tags=TAGS
        )
        def issue_token(credentials: Annotated[TokenRequest, Body()]) -> Response[AccessToken]:
            """Exchange an API key and its secret for an access token. A repeated request gets the
            identical token while that is valid.

            Some requests need a token that shows a second factor, and all of operators do. To get
            one, send a `code`, which is accepted once. A program signs the log-in with the private
            half of a registered key instead (RFC 9421).
            """
            # The secret is checked at each request. The record under the key holds the claims of
            # the token, but neither the token nor the secret.
            if credentials.code is not None and is_signed(self._app.event):
                raise _code_beside_signature()
            credential = self.checked(credentials.api_key, credentials.api_secret)
            methods = methods_shown(
                credential, credentials.code, is_signed=self._is_signed(credential)
            )
            return self._answer(credential, credentials.code, methods)

    def add_step_up(self) -> None:
        """Add the exchange of a token and a code for a token that shows a second factor."""

        @self._app.post(
            "/api/v1/auth/step-up",
            permission="orders:write",
            summary="Add the second factor",
            tags=TAGS,
        )
        def step_up(request: Annotated[StepUp, Body()]) -> Response[AccessToken]:
            """Exchange a valid token and a code for a token that shows a second factor. A repeated
            request gets the identical token. The old token stays valid.
            """
            principal = self._app.principal
            credential = self._log_in.again(principal.api_key)
            # The request may not have been counted, and the count tells which tokens have ended.
            principal.check_not_ended(credential.generation)
            return self._answer(credential, request.code, WITH_CODE)

    def checked(self, api_key: str, secret: str) -> Credential:
        """The credential of a key whose secret is right. Raises as LogIn."""
        source_ip = self._app.event["requestContext"].get("identity", {}).get("sourceIp", "")
        return self._log_in(api_key, secret, origin(source_ip))

    def checked_to_enrol(self, api_key: str, secret: str) -> Credential:
        """The credential of a key that may enrol an authenticator.

        Raises as LogIn and `check_may_enrol`, and HttpError for an invalid signature.
        """
        credential = self.checked(api_key, secret)
        check_may_enrol(credential, is_signed=self._is_signed(credential))
        return credential

    def _is_signed(self, credential: Credential) -> bool:
        event = self._app.event
        return verify_log_in(self._signatures, event, raw_body(event), credential)

    def request_of(self, credential: Credential) -> str:
        """An id that repetitions of this request share."""
        parts = (
            self._app.target,
            credential.api_key,
            self._app.idempotency_key,
            self._app.digest,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def _answer(
        self, credential: Credential, code: str | None, methods: Sequence[Method]
    ) -> Response[AccessToken]:
        """A token, or that of the same request before. `code`: to be used for it.

        The body is the same with and without a signature. So the methods are a part of the key of
        the record: who has seen a signed log-in gets nothing without its signature.
        """

        def issue() -> Grant:
            if code is not None:
                self._use_code(holder_of(credential), code, self.request_of(credential))
            return self._tokens.grant(credential, methods)

        principal = " ".join((credential.api_key, *methods))
        outcome = self._idempotency.once(self._app, principal, Grant, issue)
        try:
            if outcome.answer.generation != credential.generation:  # that token has ended
                if code is not None:
                    raise InvalidCodeError(
                        "The token that this code gave has ended. Send a new code.", field="code"
                    )
                return self._signed(issue())
            try:
                return self._signed(outcome.answer, outcome.headers)
            except RetiredKeyError:
                return self._signed(issue())
        except (KeysUnavailableError, RetiredKeyError) as error:
            # The record stands. The repeated request signs what it holds.
            raise unavailable(
                "The token could not be signed. Try again with the same Idempotency-Key."
            ) from error

    def _signed(self, grant: Grant, headers: dict[str, str] | None = None) -> Response[AccessToken]:
        return json_response(AccessToken.of(grant, self._tokens.sign(grant)), headers=headers)


def _code_beside_signature() -> HttpError:
    text = "A signed log-in has no code. Send one or the other."
    return HttpError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        ProblemCode.VALIDATION_FAILED,
        text,
        errors=[FieldError(field="code", message=text)],
    )


def holder_of(credential: Credential) -> str:
    """The holder of a second factor, as the audit log names it: the owner of the key."""
    kind = "operator" if credential.is_of_operator else "client"
    return f"{kind}/{credential.client_id}"
