"""HTTP Message Signatures: the examples of RFC 9421, our own fixed example, and every attack."""

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
)
from http_message_signatures.algorithms import ED25519

from tests.fakes.builders import NOW
from trading.adapters.identity import request_signatures
from trading.adapters.identity.request_signatures import _AnyKey, sign, verify
from trading.adapters.identity.signature_keys import public_key_of, signer_of
from trading.domain.clients.signed_requests import LOG_IN_COVERED, SignatureError, SignedMessage

RFC_PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
"""
RFC_PRIVATE = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
"""RFC 9421, B.1.4."""
RFC_HEADERS = {
    "Host": "example.com",
    "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "Content-Type": "application/json",
    "Content-Digest": (
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm"
        "+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
    ),
    "Content-Length": "18",
}
RFC_SIGNED = {
    "Signature-Input": (
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    ),
    "Signature": (
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u"
        "02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
    ),
}
"""RFC 9421, B.2.6."""
KEY, SECRET, NONCE = "alice_1", "the secret of alice", "0123456789abcdef"
SIGNER = signer_of(SECRET)
BODY = b'{"hello": "world"}'
SENT = SignedMessage(
    "POST",
    "/api/v1/admin/clients/alice/withdrawals",
    [],
    [("Authorization", "Bearer t"), ("Idempotency-Key", "key-1")],
)
FIXED = {
    "Content-Digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    "Signature-Input": (
        'sig1=("@method" "@path" "@query" "authorization" "idempotency-key" "content-digest")'
        ';created=1795446000;keyid="alice_1";alg="ed25519";nonce="0123456789abcdef"'
    ),
}


def rfc_request() -> Any:
    return SimpleNamespace(
        method="POST",
        url="https://example.com/foo?param=Value&Pet=dog",
        headers=RFC_HEADERS | RFC_SIGNED,
    )


class RfcVerifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """The example is of 2021."""


def rfc_verifier(key: Any) -> RfcVerifier:
    keys: Any = SimpleNamespace(resolve_public_key=lambda key_id: key)
    return RfcVerifier(signature_algorithm=_AnyKey, key_resolver=keys)


def test_the_example_of_the_rfc_is_verified() -> None:
    raw = load_pem_public_key(RFC_PUBLIC).public_bytes_raw()  # type: ignore[union-attr]
    (result,) = rfc_verifier([b64encode(raw).decode()]).verify(rfc_request())
    assert result.label == "sig-b26"
    changed = rfc_request()
    changed.url = changed.url.replace("/foo", "/bar")
    with pytest.raises((SignatureError, InvalidSignature)):
        rfc_verifier([b64encode(raw).decode()]).verify(changed)


def test_the_example_of_the_rfc_is_signed_alike() -> None:
    key = load_pem_private_key(RFC_PRIVATE, None)
    keys: Any = SimpleNamespace(resolve_private_key=lambda key_id: key)
    request = rfc_request()
    request.headers = dict(RFC_HEADERS)
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
        request,
        key_id="test-key-ed25519",
        created=datetime.fromtimestamp(1618884473, UTC),
        label="sig-b26",
        include_alg=False,
        use_existing_digest=True,
        covered_component_ids=(
            "date",
            "@method",
            "@path",
            "@authority",
            "content-type",
            "content-length",
        ),
    )
    assert {name: request.headers[name] for name in RFC_SIGNED} == RFC_SIGNED


def test_the_key_is_derived_as_rfc_5869_says() -> None:
    """HKDF-SHA256 written out: the documentation promises it to other implementations."""
    extracted = hmac.new(b"lambda-trading", SECRET.encode(), hashlib.sha256).digest()
    info = b"request signature v1, ed25519"
    seed = hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()
    expected = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert public_key_of(SECRET) == b64encode(expected).decode()


def test_what_is_signed_is_the_base_of_rfc_9421() -> None:
    added = sign(SENT, BODY, KEY, SIGNER, NOW, NONCE)
    parameters = added["Signature-Input"].removeprefix("sig1=")
    assert parameters == FIXED["Signature-Input"].removeprefix("sig1=")
    assert added["Content-Digest"] == FIXED["Content-Digest"]
    base = (
        '"@method": POST\n'
        '"@path": /api/v1/admin/clients/alice/withdrawals\n'
        '"@query": ?\n'
        '"authorization": Bearer t\n'
        '"idempotency-key": key-1\n'
        f'"content-digest": {FIXED["Content-Digest"]}\n'
        f'"@signature-params": {parameters}'
    )
    signature = SIGNER.sign(base.encode())
    assert added["Signature"] == f"sig1=:{b64encode(signature).decode()}:"


def received(sent: SignedMessage = SENT, body: bytes = BODY, **changes: str) -> SignedMessage:
    """A signed request as it arrives. `changes`: headers that somebody put in their place."""
    headers = dict(sent.headers) | dict(sign(sent, body, KEY, SIGNER, NOW, NONCE))
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return sent._replace(headers=[(name, value) for name, value in headers.items() if value])


def check(message: SignedMessage, body: bytes = BODY, **changes: Any) -> str:
    given = {"api_key": KEY, "public_keys": [public_key_of(SECRET)], "now": NOW} | changes
    return verify(message, body, **given)


def test_a_signed_request_is_verified_and_tells_its_nonce() -> None:
    assert check(received()) == NONCE
    assert check(received(body=b""), b"") == NONCE


def test_the_order_of_a_query_does_not_matter() -> None:
    sent = SENT._replace(query=[("side", "buy"), ("symbol", "BRK.A")])
    assert check(received(sent)._replace(query=[("symbol", "BRK.A"), ("side", "buy")])) == NONCE


def test_both_secrets_of_a_rotation_sign() -> None:
    keys = [public_key_of("the next secret"), public_key_of(SECRET)]
    assert check(received(), public_keys=keys) == NONCE
    with pytest.raises(SignatureError, match="another secret"):
        check(received(), public_keys=keys[:1])


@pytest.mark.parametrize(
    "changed",
    [
        received()._replace(method="PUT"),
        received()._replace(path="/api/v1/admin/clients/bob/withdrawals"),
        received()._replace(path=SENT.path + "/"),
        received()._replace(query=[("reference", "x")]),
        received(SENT._replace(query=[("symbol", "KO")]))._replace(query=[]),
        received(SENT._replace(query=[("a", "1")]))._replace(query=[("a", "1"), ("a", "2")]),
        received(Authorization="Bearer another"),
        received(Idempotency_Key="key-2"),
        received(Signature=f"sig1=:{b64encode(bytes(64)).decode()}:"),
        received(Signature_Input=FIXED["Signature-Input"].replace(NONCE, NONCE[::-1])),
        received(Signature_Input=FIXED["Signature-Input"].replace("1795446000", "1795446001")),
    ],
    ids=lambda message: f"{message.method} {message.target}",
)
def test_a_request_that_was_changed_is_refused(changed: SignedMessage) -> None:
    with pytest.raises(SignatureError, match="does not fit the request"):
        check(changed)


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY.replace(b"world", b"mars!"), b"{}"])
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(SignatureError, match=r"(?i)digest|body"):
        check(received(), body)


def test_a_body_needs_a_digest_that_is_covered() -> None:
    unsigned = dict(sign(SENT, b"", KEY, SIGNER, NOW, NONCE))
    digest = FIXED["Content-Digest"]
    for headers in (unsigned, unsigned | {"Content-Digest": digest}):
        with pytest.raises(SignatureError, match="Content-Digest"):
            check(SENT._replace(headers=[*SENT.headers, *headers.items()]))


@pytest.mark.parametrize(
    "missing", ["@method", "@path", "@query", "authorization", "idempotency-key"]
)
def test_a_signature_that_covers_too_little_is_refused(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = ("@method", "@path", "@query", "authorization", "idempotency-key")
    with monkeypatch.context() as patched:
        patched.setattr(request_signatures, "COVERED", tuple(n for n in everything if n != missing))
        message = received()
        covered = request_signatures.COVERED
        assert check(message, covered=covered) == NONCE, "it is signed validly"
    with pytest.raises(SignatureError, match=missing):
        check(message)


@pytest.mark.parametrize(
    ("seconds", "told"), [(301, "too old"), (-31, "in the future"), (86_400, "too old")]
)
def test_a_signature_is_good_for_five_minutes(seconds: int, told: str) -> None:
    with pytest.raises(SignatureError, match=told):
        check(received(), now=NOW + timedelta(seconds=seconds))


def test_a_signature_by_another_api_key_is_refused() -> None:
    with pytest.raises(SignatureError, match="keyid"):
        check(received(), api_key="bob_1")
    with pytest.raises(SignatureError, match="another secret"):
        check(received(), public_keys=[])


SIGNED = dict(received().headers)
INPUT, SIGNATURE = SIGNED["Signature-Input"], SIGNED["Signature"]


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Signature": ""}, "Signature"),
        ({"Signature_Input": ""}, "Signature-Input"),
        ({"Signature": "sig1=:AAAA"}, "Malformed"),
        ({"Signature": "sig1=4711"}, "Byte Sequence"),
        ({"Signature": SIGNATURE.replace("sig1", "sig2")}, "different labels"),
        (
            {
                "Signature": f"{SIGNATURE}, {SIGNATURE.replace('sig1', 'sig2')}",
                "Signature_Input": f"{INPUT}, {INPUT.replace('sig1', 'sig2')}",
            },
            "Multiple signatures",
        ),
        ({"Signature_Input": INPUT.replace("ed25519", "hmac-sha256")}, "algorithm"),
        ({"Signature_Input": INPUT + ";priority=1"}, "priority"),
        ({"Signature_Input": INPUT.replace('"@path"', '"@authority"')}, "@authority"),
        ({"Signature_Input": INPUT.replace('"@path"', '"@path" "@path"')}, "multiple times"),
        ({"Signature_Input": INPUT.replace('"@path"', '"@path" "x-other"')}, "x-other"),
        ({"Signature_Input": INPUT.replace(";created=1795446000", "")}, "created"),
        ({"Signature_Input": INPUT.replace(';keyid="alice_1"', "")}, "keyid"),
        ({"Signature_Input": INPUT.replace("created=", "created=9")}, "future"),
        ({"Signature_Input": INPUT.replace("1795446000", '"1795446000"')}, "created"),
        ({"Content_Digest": "sha-256=:AAAA:"}, "(?i)digest|does not fit"),
        ({"Content_Digest": "md5=:AAAA:"}, "(?i)digest|does not fit"),
    ],
    ids=str,
)
def test_a_malformed_signature_is_refused_with_its_reason(
    headers: dict[str, str], told: str
) -> None:
    with pytest.raises(SignatureError, match=told):
        check(received(**headers))


@pytest.mark.parametrize("nonce", ["", "short", "with space 4711 4711", "x" * 65])
def test_a_nonce_is_needed_in_its_form(nonce: str) -> None:
    headers = [*SENT.headers, *sign(SENT, BODY, KEY, SIGNER, NOW, nonce).items()]
    with pytest.raises(SignatureError, match="nonce"):
        check(SENT._replace(headers=headers))


def test_a_reason_is_short_whatever_came() -> None:
    long = INPUT + "".join(f";p{number}" for number in range(1000))
    with pytest.raises(SignatureError) as refused:
        check(received(Signature_Input=long.replace("p0", "p" * 5000)))
    assert len(str(refused.value)) <= 301


LOG_IN = SignedMessage("POST", "/api/v1/auth/token", [], [("Idempotency-Key", "key-1")])


def test_a_log_in_is_signed_without_a_token() -> None:
    added = sign(LOG_IN, BODY, KEY, SIGNER, NOW, NONCE)
    assert added["Signature-Input"].startswith(
        'sig1=("@method" "@path" "@query" "idempotency-key" "content-digest");created='
    )
    message = received(LOG_IN)
    assert check(message, covered=LOG_IN_COVERED) == NONCE


def test_the_signature_of_a_log_in_is_not_one_of_a_request_with_a_token() -> None:
    """Also where path and body are the same."""
    log_in = SENT._replace(headers=[("Idempotency-Key", "key-1")])
    message = received(log_in)
    assert check(message, covered=LOG_IN_COVERED) == NONCE
    with_token = message._replace(headers=[*message.headers, ("Authorization", "Bearer t")])
    for each in (message, with_token):
        with pytest.raises(SignatureError, match="authorization"):
            check(each)


def test_the_signature_of_a_request_with_a_token_is_not_one_of_a_log_in() -> None:
    """It covers a token, which a log-in does not have."""
    message = received()
    assert check(message) == NONCE
    headers = [each for each in message.headers if each[0] != "Authorization"]
    with pytest.raises(SignatureError, match="authorization"):
        check(message._replace(headers=headers), covered=LOG_IN_COVERED)


def test_a_log_in_is_signed_with_its_idempotency_key() -> None:
    message = received(LOG_IN)
    without = [each for each in message.headers if each[0] != "Idempotency-Key"]
    with pytest.raises(SignatureError, match="idempotency-key"):
        check(message._replace(headers=without), covered=LOG_IN_COVERED)
    with pytest.raises(HTTPMessageSignaturesException, match="idempotency-key"):
        sign(LOG_IN._replace(headers=[]), BODY, KEY, SIGNER, NOW, NONCE)


@pytest.mark.parametrize("missing", LOG_IN_COVERED)
def test_a_log_in_whose_signature_covers_too_little_is_refused(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    covered = tuple(name for name in LOG_IN_COVERED if name != missing)
    with monkeypatch.context() as patched:
        patched.setattr(request_signatures, "LOG_IN_COVERED", covered)
        message = received(LOG_IN)
    assert check(message, covered=covered) == NONCE, "it is signed validly"
    with pytest.raises(SignatureError, match=missing):
        check(message, covered=LOG_IN_COVERED)


def test_the_body_of_a_log_in_counts() -> None:
    with pytest.raises(SignatureError, match=r"(?i)digest|body"):
        check(received(LOG_IN), b"{}", covered=LOG_IN_COVERED)
