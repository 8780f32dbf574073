"""The check of signed requests: what is answered without a valid signature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
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
    ) -> str: ...


@dataclass(frozen=True)
class SignedRequests:
    """Checks the signatures of requests.

    credential: the API key as it is stored now. use_nonce: remembers a nonce, or raises
    SignatureError if it came before. load_verify: imports what verifies. is_wanted: whether the
    profile of a client asks for signatures on all its orders.
    """

    credential: Callable[[str], Credential | None]
    use_nonce: Callable[[str, str], None]
    load_verify: Callable[[], Verify]
    now: Callable[[], datetime]
    is_wanted: Callable[[str], bool]

    def check(
        self, event: APIGatewayProxyEvent, body: bytes, principal: Principal, needed: Required
    ) -> None:
        """Raises HttpError: 401 SIGNATURE_REQUIRED or INVALID_SIGNATURE, and 503 if the tables do
        not tell.
        """
        try:
            if any(list_header(event, name) for name in SIGNATURE_HEADERS):
                self._verify(event, body, principal.api_key)
            elif needed is Required.ALWAYS or self.is_wanted(principal.client_id):
                raise HttpError(
                    HTTPStatus.UNAUTHORIZED,
                    ProblemCode.SIGNATURE_REQUIRED,
                    "This request must be signed with the API secret (RFC 9421). The header "
                    "Accept-Signature says what the signature covers. It also needs a new `nonce`. "
                    "How to sign: docs/how-to/sign-a-request.md",
                    headers=_refused(principal.api_key, "missing"),
                )
        except SignatureError as error:
            raise HttpError(
                HTTPStatus.UNAUTHORIZED,
                ProblemCode.INVALID_SIGNATURE,
                str(error),
                headers=_refused(principal.api_key, str(error)),
            ) from error
        except (ClientError, BotoCoreError) as error:
            logger.exception("a signature cannot be checked")
            raise unavailable(
                "The signature could not be checked. Try again under the same Idempotency-Key, "
                "with a new signature."
            ) from error

    def _verify(self, event: APIGatewayProxyEvent, body: bytes, api_key: str) -> None:
        now = self.now()
        credential = self.credential(api_key)
        keys = credential.valid_public_keys(now) if credential else ()
        nonce = self.load_verify()(_message(event), body, api_key, keys, now)
        self.use_nonce(api_key, nonce)


def _message(event: APIGatewayProxyEvent) -> SignedMessage:
    return SignedMessage(event.http_method, event.path, query_pairs(event), header_pairs(event))


def _refused(api_key: str, reason: str) -> dict[str, str]:
    """Log a refusal. Answers the header with the signature that we ask for (RFC 9421, 5.1)."""
    logger.info("signature refused", api_key=api_key, reason=reason)
    count(Metric.SIGNATURE_REFUSED)
    covered = " ".join(f'"{name}"' for name in (*COVERED, DIGEST))
    wanted = f'{LABEL}=({covered});created;keyid="{api_key}";alg="{ALGORITHM}"'
    return {"Accept-Signature": wanted}
