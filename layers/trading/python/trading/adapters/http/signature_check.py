"""The check of signed requests: what is answered without a valid signature."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.http.principals import Principal
from trading.adapters.http.problems import HttpError, ProblemCode, unavailable
from trading.adapters.http.request_reading import header_pairs, list_header, query_pairs
from trading.adapters.http.signed_requests import Required
from trading.adapters.runtime.observability import count, logger
from trading.domain.clients.credentials import Credential
from trading.domain.clients.signed_requests import (
    ALGORITHM,
    COVERED,
    DIGEST,
    LABEL,
    LOG_IN_COVERED,
    SignatureError,
    SignedMessage,
)
from trading.metrics import Metric

SIGNATURE_HEADERS = ("signature", "signature-input")


class Verify(Protocol):
    """Checks the signature of a request. Answers the nonce, and raises SignatureError."""

    def __call__(
        self,
        message: SignedMessage,
        body: bytes,
        api_key: str,
        public_keys: Sequence[str],
        now: datetime,
        covered: Sequence[str],
    ) -> str: ...


@dataclass(frozen=True)
class Signatures:
    """Verifies a signature that came with a request.

    use_nonce: remembers a nonce, or raises SignatureError if it came before. load_verify: imports
    what verifies.
    """

    use_nonce: Callable[[str, str], None]
    load_verify: Callable[[], Verify]
    now: Callable[[], datetime]

    def verify(
        self,
        event: APIGatewayProxyEvent,
        body: bytes,
        api_key: str,
        keys: Callable[[datetime], Sequence[str]],
        covered: Sequence[str],
    ) -> None:
        """`keys`: the public keys that may verify it at a time. Raises HttpError: 401
        INVALID_SIGNATURE, and 503 if the tables do not tell.
        """
        try:
            with _unless_unavailable():
                now = self.now()
                message = _message(event)
                nonce = self.load_verify()(message, body, api_key, keys(now), now, covered)
                self.use_nonce(api_key, nonce)
        except SignatureError as error:
            raise HttpError(
                HTTPStatus.UNAUTHORIZED,
                ProblemCode.INVALID_SIGNATURE,
                str(error),
                headers=_refused(api_key, str(error), covered),
            ) from error


@dataclass(frozen=True)
class SignedRequests:
    """Checks the signatures of requests with a token.

    credential: the API key as it is stored now. is_wanted: whether the profile of a client asks for
    signatures on all its orders.
    """

    credential: Callable[[str], Credential | None]
    signatures: Signatures
    is_wanted: Callable[[str], bool]

    def check(
        self, event: APIGatewayProxyEvent, body: bytes, principal: Principal, needed: Required
    ) -> None:
        """Raises HttpError: 401 SIGNATURE_REQUIRED or INVALID_SIGNATURE, and 503 if the tables do
        not tell.
        """
        if is_signed(event):
            api_key = principal.api_key
            self.signatures.verify(event, body, api_key, partial(self._keys, api_key), COVERED)
            return
        with _unless_unavailable():
            missing = needed is Required.ALWAYS or self.is_wanted(principal.client_id)
        if missing:
            raise HttpError(
                HTTPStatus.UNAUTHORIZED,
                ProblemCode.SIGNATURE_REQUIRED,
                "This request must be signed with the API secret (RFC 9421). The header "
                "Accept-Signature says what the signature covers. It also needs a new `nonce`. "
                "How to sign: docs/how-to/sign-a-request.md",
                headers=_refused(principal.api_key, "missing", COVERED),
            )

    def _keys(self, api_key: str, now: datetime) -> Sequence[str]:
        credential = self.credential(api_key)
        return credential.valid_public_keys(now) if credential else ()


@contextmanager
def _unless_unavailable() -> Iterator[None]:
    """Raise HttpError 503 if the tables do not answer."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        logger.exception("a signature cannot be checked")
        raise unavailable(
            "The signature could not be checked. Try again under the same Idempotency-Key, with a "
            "new signature."
        ) from error


def is_signed(event: APIGatewayProxyEvent) -> bool:
    """Whether a signature came with a request."""
    return any(list_header(event, name) for name in SIGNATURE_HEADERS)


def verify_log_in(
    signatures: Signatures, event: APIGatewayProxyEvent, body: bytes, credential: Credential
) -> bool:
    """Whether the registered key of a credential has signed its log-in. The derived keys do not
    count: who has the secret has those. Raises HttpError for a signature that is not valid.
    """
    if not is_signed(event):
        return False
    api_key, keys = credential.api_key, partial(_registered, credential)
    signatures.verify(event, body, api_key, keys, LOG_IN_COVERED)
    return True


def _registered(credential: Credential, _: datetime) -> Sequence[str]:
    if credential.public_key is None:
        raise SignatureError("No public key is registered for this API key.")
    return (credential.public_key,)


def _message(event: APIGatewayProxyEvent) -> SignedMessage:
    return SignedMessage(event.http_method, event.path, query_pairs(event), header_pairs(event))


def _refused(api_key: str, reason: str, components: Sequence[str]) -> dict[str, str]:
    """Log a refusal. Answers the header with the signature that we ask for (RFC 9421, 5.1)."""
    logger.info("signature refused", api_key=api_key, reason=reason)
    count(Metric.SIGNATURE_REFUSED)
    covered = " ".join(f'"{name}"' for name in (*components, DIGEST))
    wanted = f'{LABEL}=({covered});created;keyid="{api_key}";alg="{ALGORITHM}"'
    return {"Accept-Signature": wanted}
