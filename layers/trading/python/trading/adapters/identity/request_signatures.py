"""Signed requests: HTTP Message Signatures (RFC 9421) by Ed25519, with a digest of the body (RFC
9530). `http_message_signatures` reads, builds and compares them.

This module imports `cryptography`, which takes long. Import it only where a request is signed or
its signature is verified.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature as Mismatch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureComponentResolver,
    HTTPSignatureKeyResolver,
    InvalidSignature,
)
from http_message_signatures.algorithms import ED25519

from trading.adapters.identity.signature_keys import verifier_of
from trading.domain.clients.signed_requests import (
    ALGORITHM,
    COVERED,
    LABEL,
    LOG_IN_COVERED,
    SignatureError,
    SignedMessage,
    check_nonce,
    check_times,
)

LONGEST_MESSAGE = 300
"""Characters of what a caller is told. It may repeat a part of the request."""
_HOST = "https://api"
"""Stands for the host, which no signature covers: proxies and stages change it."""


class _Headers:
    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]

    def items(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)


@dataclass(frozen=True)
class _Request:
    """A request in the form that the library takes."""

    method: str
    url: str
    headers: Any


class _Components(HTTPSignatureComponentResolver):
    """What a signature may cover: headers, and these parts of a request. The others are not known
    behind API Gateway.
    """

    derived_component_resolvers: ClassVar[dict[str, Callable[..., str]]] = {
        name: HTTPSignatureComponentResolver.derived_component_resolvers[name]
        for name in ("@method", "@path", "@query", "@query-param")
    }


class _AnyKey(HTTPSignatureAlgorithm):
    """Ed25519 with several keys: those of all secrets that are valid."""

    algorithm_id = ALGORITHM

    def __init__(self, public_key: Sequence[str], private_key: None = None) -> None:
        self._public_keys = public_key

    def verify(self, signature: bytes, message: bytes) -> None:
        if not any(self._fits(each, signature, message) for each in self._public_keys):
            raise SignatureError(
                "The signature does not fit the request. Something that it covers was changed, or "
                "another secret or key signed it."
            )

    @staticmethod
    def _fits(text: str, signature: bytes, message: bytes) -> bool:
        try:
            verifier_of(text).verify(signature, message)
        except Mismatch:
            return False
        return True


class _KeysOf(HTTPSignatureKeyResolver):
    """The public keys of one API key."""

    def __init__(self, api_key: str, public_keys: Sequence[str]) -> None:
        self._api_key = api_key
        self._public_keys = public_keys

    def resolve_public_key(self, key_id: str) -> Sequence[str]:
        if key_id != self._api_key:
            raise SignatureError("`keyid` is not the API key of the caller.")
        return self._public_keys


class _Verifier(HTTPMessageVerifier):
    def __init__(self, keys: _KeysOf, now: datetime) -> None:
        super().__init__(
            signature_algorithm=_AnyKey, key_resolver=keys, component_resolver_class=_Components
        )
        self._now = now

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """With our clock, and our bounds instead of `max_age`."""
        check_times(sig_input.params.get("created"), sig_input.params.get("expires"), self._now)


def verify(
    message: SignedMessage,
    body: bytes,
    api_key: str,
    public_keys: Sequence[str],
    now: datetime,
    covered: Sequence[str] = COVERED,
) -> str:
    """Check that one of the keys has signed this very request, and lately. Answers the nonce, which
    the caller must refuse if it came before. `covered`: what the signature must cover.

    Raises SignatureError.
    """
    verifier = _Verifier(_KeysOf(api_key, public_keys), now)
    try:
        request = _Request(message.method, _HOST + message.target, _Headers(message.headers))
        (result,) = verifier.verify(request, require_components=covered, body=body)
    except SignatureError:
        raise
    except InvalidSignature as error:
        raise _told(error) from error
    except Exception as error:  # the library raises others too, for instance for a malformed URL
        raise SignatureError("The signature cannot be read.") from error
    return check_nonce(result.nonce)


def _told(error: InvalidSignature) -> SignatureError:
    text = str(error).strip() or "The signature is not valid"
    return SignatureError(text[:LONGEST_MESSAGE].removesuffix(".") + ".")


class _PrivateKey(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> Any:
        return self._key


def sign(
    message: SignedMessage,
    body: bytes,
    api_key: str,
    key: Ed25519PrivateKey,
    now: datetime,
    nonce: str,
) -> Mapping[str, str]:
    """The headers to add to a request: Signature-Input, Signature, and Content-Digest if there is a
    body. The message has the header Idempotency-Key, and Authorization unless it is a log-in.
    """
    headers = dict(message.headers)
    has_token = any(name.lower() == "authorization" for name in headers)
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=_PrivateKey(key),
        component_resolver_class=_Components,
    )
    signer.sign(
        _Request(message.method, _HOST + message.target, headers),
        key_id=api_key,
        created=now,
        nonce=nonce,
        label=LABEL,
        covered_component_ids=COVERED if has_token else LOG_IN_COVERED,
        body=body or None,
    )
    return {name: headers[name] for name in headers.keys() - dict(message.headers).keys()}
