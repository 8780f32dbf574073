"""Requests to the API: logged in, signed where it is needed, with retries where they may help,
under one idempotency key.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any
from uuid import uuid4

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_before_delay,
)
from tenacity.wait import wait_exponential_jitter

from cli.failures import Exit, Failure
from cli.tokens import Token, TokenCache
from trading.adapters.runtime import clock
from workstation.profiles import Profile
from workstation.signing import Signer

TIMEOUT = httpx.Timeout(35, connect=5)
"""Seconds. API Gateway answers within 29."""
PASSING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
BACKOFF = wait_exponential_jitter(multiplier=0.5, max=8)
AUTH = "/api/v1/auth/"
LOGIN = "/api/v1/auth/token"
STEP_UP = "/api/v1/auth/step-up"
ADMIN = "/api/v1/admin/"
SIGNATURE_REQUIRED = "SIGNATURE_REQUIRED"
SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
NOT_ABOUT_TOKENS = {SIGNATURE_REQUIRED, "INVALID_SIGNATURE", "INVALID_CODE"}
"""Codes of answers `401` that another token would not change."""


class Api:
    """An API as one profile sees it. Every method raises Failure."""

    def __init__(
        self,
        profile: Profile,
        tokens: TokenCache,
        ask_secret: Callable[[str], str],
        ask_code: Callable[[], str],
        note: Callable[[str], None],
        patience: float,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._profile = profile
        self._tokens = tokens
        self._ask_secret = ask_secret
        self._ask_code = ask_code
        self._note = note
        self._patience = patience
        self._sleep = sleep
        self._now = now or clock.now
        self._secret = profile.api_secret
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport)

    def get(self, path: str, **query: str | int | bool | None) -> Any:
        """The answer's JSON. What is None is not asked for."""
        return self._json(self._authorized("GET", path, query=query), None)

    def text(self, path: str, media_type: str, **query: str | int | bool | None) -> httpx.Response:
        """The answer in another form than JSON."""
        return self._authorized("GET", path, query=query, accept=media_type)

    def change(
        self,
        method: str,
        path: str,
        key: str,
        body: Mapping[str, Any] | None = None,
        *,
        with_nulls: bool = False,
        **query: str | None,
    ) -> Any:
        """The answer's JSON to a request that takes effect once for its key. What is None is left
        out of the body, unless it is sent `with_nulls`.
        """
        sent = body
        if body is not None and not with_nulls:
            sent = {name: value for name, value in body.items() if value is not None}
        return self._json(self._authorized(method, path, body=sent, key=key, query=query), key)

    def token(self, anew: bool) -> str:
        """An access token: a kept one, or if the last was refused a new one."""
        kept = None if anew else self._tokens.load(self._profile)
        token = kept or Token.model_validate(self.log_in(new_key()))
        return token.jwt_token

    @property
    def has_private_key(self) -> bool:
        """Whether the profile is that of a program, which signs."""
        return self._profile.private_key is not None

    def log_in(self, key: str, code: str | None = None) -> Any:
        """A new token, kept for the commands that follow. The answer's JSON.

        The log-in is signed if the profile has a private key. If the API wants a second factor, ask
        for a code.
        """
        signed = code is None and self.has_private_key
        try:
            answer = self.with_secret("POST", LOGIN, key, {"code": code}, signed=signed)
        except Failure as failure:
            if code is not None or failure.problem.get("code") != SECOND_FACTOR_REQUIRED:
                raise
            answer = self.with_secret("POST", LOGIN, key, {"code": self._code_for(failure)})
        self._keep(Token.model_validate(answer))
        return answer

    def with_secret(
        self, method: str, path: str, key: str, body: Mapping[str, Any], *, signed: bool = False
    ) -> Any:
        """The answer's JSON to a request that carries the secret, and needs no token."""
        sent = {"api_key": self._profile.api_key, "api_secret": self._known_secret()}
        sent |= {name: value for name, value in body.items() if value is not None}
        return self._json(self._send(method, path, body=sent, key=key, signed=signed), key)

    def _keep(self, token: Token) -> None:
        try:
            self._tokens.save(self._profile, token)
        except Failure as failure:
            self._note(f"The token is not kept: {failure}")

    def _known_secret(self) -> str:
        if self._secret is None:
            self._secret = self._ask_secret(self._profile.api_key)
        return self._secret

    def _authorized(self, method: str, path: str, **request: Any) -> httpx.Response:
        """A token that was kept may have been issued under a key that is gone: then once more with
        a new one.
        """
        kept = self._tokens.load(self._profile)
        if kept:
            try:
                return self._stepped_up_if_wanted(kept, method, path, **request)
            except Failure as failure:
                if failure.problem.get("status") != HTTPStatus.UNAUTHORIZED or (
                    failure.problem.get("code") in NOT_ABOUT_TOKENS
                ):
                    raise
        new = Token.model_validate(self.log_in(new_key()))
        return self._stepped_up_if_wanted(new, method, path, **request)

    def _stepped_up_if_wanted(
        self, token: Token, method: str, path: str, **request: Any
    ) -> httpx.Response:
        """If the API wants a second factor, ask for a code, and keep the token that it gives."""
        try:
            return self._signed_if_wanted(token, method, path, **request)
        except Failure as failure:
            # An operator's token always shows a second factor. So the admin API wants a client's.
            if failure.problem.get("code") != SECOND_FACTOR_REQUIRED or path.startswith(ADMIN):
                raise
            code = self._code_for(failure)
        key, body = new_key(), {"code": code}
        answer = self._send("POST", STEP_UP, token=token.jwt_token, body=body, key=key)
        stronger = Token.model_validate(self._json(answer, key))
        stronger = stronger.that_signs() if token.signs else stronger
        self._keep(stronger)
        return self._signed_if_wanted(stronger, method, path, **request)

    def _code_for(self, refused: Failure) -> str:
        """A code, after the reason for which the API wants one. Raises Failure with that reason."""
        self._note(str(refused))
        try:
            return self._ask_code()
        except Failure as failure:
            detail = f"{refused} {failure}"
            raise Failure(failure.status, failure.problem | {"detail": detail}) from failure

    def _signed_if_wanted(
        self, token: Token, method: str, path: str, **request: Any
    ) -> httpx.Response:
        """What operators change is signed if there is a key. Any other change is signed if the API
        has asked for it. Then the secret is asked for.
        """
        is_admin = path.startswith(ADMIN)
        has_key = self._secret is not None or self.has_private_key
        signed = token.signs or (is_admin and has_key)
        try:
            return self._send(method, path, token=token.jwt_token, signed=signed, **request)
        except Failure as failure:
            if signed or failure.problem.get("code") != SIGNATURE_REQUIRED:
                raise
        if not is_admin:
            self._keep(token.that_signs())
        return self._send(method, path, token=token.jwt_token, signed=True, **request)

    def _send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
        accept: str = "application/json",
        signed: bool = False,
    ) -> httpx.Response:
        """A successful answer. A `signed` request is signed if it changes something."""
        headers = {"Accept": accept}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        request = self._http.build_request(
            method,
            self._base(path) + path,
            params={name: value for name, value in (query or {}).items() if value is not None},
            json=body,
            headers=headers,
        )
        trying = Retrying(
            retry=retry_if_exception_type(httpx.TransportError) | retry_if_result(_passes),
            wait=_pause,
            stop=stop_before_delay(self._patience),
            sleep=self._sleep,
            before_sleep=lambda state: self._note(
                f"{_what(state)}; trying again in {state.upcoming_sleep:.0f} s"
            ),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        told = None if path in (LOGIN, STEP_UP) else key
        signer = self._signer() if signed and key else None

        def send() -> httpx.Response:
            if signer:  # anew at each try: a signature is good once
                _sign(signer, request, path)
            return self._http.send(request)

        try:
            answer: httpx.Response = trying(send)
        except httpx.TransportError as error:
            raise Failure.here(
                Exit.UNREACHABLE,
                "UNREACHABLE",
                f"{self._base(path)} does not answer ({_reason(error)}).",
                told,
            ) from error
        if not answer.is_success:
            raise Failure.answered(answer.status_code, _problem(answer), told)
        return answer

    def _signer(self) -> Signer:
        """What signs: the private key of the profile, else the secret."""
        api_key, pem = self._profile.api_key, self._profile.private_key
        if pem is not None:
            return Signer.of_key(api_key, pem, self._now)
        return Signer.of_secret(api_key, self._known_secret(), self._now)

    def _base(self, path: str) -> str:
        """The address of the API that has the path. Operators log in at the internal API."""
        if path.startswith(AUTH):
            return self._profile.admin_url or self._profile.url
        if not path.startswith(ADMIN):
            return self._profile.url
        if self._profile.admin_url is None:
            raise Failure.here(
                Exit.CONFIGURATION,
                "NO_ADMIN_URL",
                "This profile has no admin_url. See: trading profile list",
            )
        return self._profile.admin_url

    def _json(self, answer: httpx.Response, key: str | None) -> Any:
        try:
            return answer.json()
        except JSONDecodeError as error:
            raise Failure(Exit.SERVER_ERROR, _problem(answer), key) from error


def new_key() -> str:
    """An idempotency key that nobody else uses."""
    return str(uuid4())


def _sign(signer: Signer, request: httpx.Request, path: str) -> None:
    try:
        signer.sign(request, path)
    except ValueError as error:
        raise Failure.here(
            Exit.CONFIGURATION,
            "PRIVATE_KEY_NOT_VALID",
            f"The private key of this profile cannot sign: {error}.",
        ) from error


def _passes(answer: httpx.Response) -> bool:
    """Whether the same request may be answered otherwise in a moment."""
    return answer.status_code in PASSING or (
        answer.status_code == HTTPStatus.CONFLICT and "Retry-After" in answer.headers
    )


def _pause(state: RetryCallState) -> float:
    """What the API asks for, else longer from try to try."""
    if state.outcome and not state.outcome.failed:
        asked = state.outcome.result().headers.get("Retry-After", "")
        if asked.isdecimal():
            return float(asked)
    return BACKOFF(state)


def _what(state: RetryCallState) -> str:
    if state.outcome is None or state.outcome.failed:
        error = state.outcome.exception() if state.outcome else None
        return f"No answer ({_reason(error)})"
    problem = _problem(state.outcome.result())
    return f"{problem['status']} {problem['code']}"


def _reason(error: BaseException | None) -> str:
    return str(error) or type(error).__name__


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """The answer's problem document; one of our own where something between us and the API
    answered.
    """
    try:
        document = answer.json()
    except (JSONDecodeError, UnicodeDecodeError):
        document = None
    if isinstance(document, dict) and "code" in document:
        return {"status": answer.status_code} | document
    return {
        "status": answer.status_code,
        "code": "UNEXPECTED_ANSWER",
        "detail": f"Not what this API answers: {answer.text[:200]!r}",
    }
