import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.builders import make_secret
from tests.fakes.clock import Clock
from tests.fakes.mac_service import MacStore
from trading.adapters.identity.signing_keys import (
    KeysUnavailableError,
    RetiredKeyError,
    SigningKeys,
)
from trading.adapters.identity.tokens import Grant, InvalidTokenError, Tokens
from trading.domain.clients.credentials import CLIENT_AUDIENCE, INTERNAL_AUDIENCE, Credential
from trading.domain.clients.second_factor import WITH_SECRET

KEYS = {CLIENT_AUDIENCE: ["c2", "c1"], INTERNAL_AUDIENCE: ["o1"]}
"""Of the clients' two keys, c2 signs."""
ISSUER = "trading-test"
AUDIENCE = CLIENT_AUDIENCE
LIFETIME = timedelta(minutes=15)
CLAIMS = (
    "iss",
    "aud",
    "sub",
    "client_id",
    "permissions",
    "iat",
    "exp",
    "jti",
    "generation",
    "amr",
    "auth_time",
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MacStore:
    return MacStore()


@pytest.fixture
def tokens(store: MacStore, clock: Clock) -> Tokens:
    return build(store, clock)


def build(store: MacStore, clock: Clock, keys: dict[str, list[str]] = KEYS) -> Tokens:
    return Tokens(SigningKeys(store, keys), ISSUER, LIFETIME, clock)


def granted(tokens: Tokens, audience: str = AUDIENCE) -> Grant:
    credential = Credential(
        api_key="key-alice",
        client_id="alice",
        secrets=(make_secret(),),
        permissions=("orders:read", "orders:write"),
        audience=audience,
        generation=2,
    )
    return tokens.grant(credential, WITH_SECRET)


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def forge(claims: dict[str, Any] | None = None, key: str = "c2", **header: Any) -> str:
    """A token with a right MAC under a key of KMS. It has the flaws that the caller states."""
    now = int(Clock().now.timestamp())
    stated = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "key-alice",
        "client_id": "alice",
        "permissions": ["orders:read"],
        "iat": now,
        "exp": now + 900,
        "generation": 0,
        "jti": "1",
        "amr": ["pwd"],
        "auth_time": now,
    } | (claims or {})
    stated = {name: value for name, value in stated.items() if value is not None}
    headers = {"alg": "HS256", "typ": "at+jwt", "kid": "c2"} | header
    headers = {name: value for name, value in headers.items() if value}
    signed = f"{encoded(json.dumps(headers).encode())}.{encoded(json.dumps(stated).encode())}"
    return f"{signed}.{encoded(MacStore().mac(key, signed.encode()))}"


def test_a_verified_token_yields_what_was_granted(tokens: Tokens) -> None:
    grant = granted(tokens)
    assert tokens.verify(tokens.sign(grant), AUDIENCE) == grant


def test_a_token_has_the_claims_of_rfc_9068_its_permissions_and_no_more(tokens: Tokens) -> None:
    token = tokens.sign(granted(tokens))
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "at+jwt", "kid": "c2"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert sorted(claims) == sorted(CLAIMS)


def test_the_same_grant_makes_the_identical_token(
    tokens: Tokens, store: MacStore, clock: Clock
) -> None:
    grant = granted(tokens)
    token = tokens.sign(grant)
    clock.forward(minutes=3)
    assert build(store, clock).sign(Grant.model_validate_json(grant.model_dump_json())) == token


def test_a_token_from_the_forging_helper_is_valid_without_a_flaw(tokens: Tokens) -> None:
    """Each forgery below is therefore refused for its one flaw, not for the way it was made."""
    assert tokens.verify(forge(), AUDIENCE).client_id == "alice"


@pytest.mark.parametrize(
    "token",
    [
        forge(key="x" * 64),
        forge(key="o1"),
        forge(kid="o1", key="o1"),
        forge(kid="o1"),
        forge(kid="c9", key="c9"),
        forge(kid=""),
        forge(kid=["c2"]),
        forge(kid=None),
        forge(typ="JWT"),
        forge({"iss": "trading-prod"}),
        forge({"aud": "trading-internal"}),
        forge({"aud": [AUDIENCE, "other"]}),
        *(forge({claim: None}) for claim in CLAIMS),
        forge({"permissions": "orders:write"}),
        forge({"client_id": 7}),
        forge({"exp": "tomorrow"}),
        forge({"iat": int(Clock().now.timestamp()) + 60}),
        forge({"exp": int(Clock().now.timestamp())}),
        forge({"exp": int(Clock().now.timestamp()) + 901}),
        forge({"exp": 2**53}),
        forge({"exp": 1e300}),
        forge({"generation": "none"}),
        forge({"amr": "mfa"}),
        forge({"amr": ["face"]}),
        forge({"auth_time": "yesterday"}),
        forge({"auth_time": int(Clock().now.timestamp()) - 60}),
        jwt.encode({"sub": "alice"}, "", "none"),
        "",
        "a.b.c",
        "x" * 5000,
    ],
)
def test_a_forged_token_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.verify(token, AUDIENCE)


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512", "RS256", "ES256", "hs256"])
def test_a_token_with_another_algorithm_is_refused(tokens: Tokens, algorithm: str) -> None:
    head, payload, signature = forge().split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    other = (
        base64.urlsafe_b64encode(json.dumps(header | {"alg": algorithm}).encode())
        .rstrip(b"=")
        .decode()
    )
    for forged in (f"{other}.{payload}.{signature}", f"{other}.{payload}."):
        with pytest.raises(InvalidTokenError):
            tokens.verify(forged, AUDIENCE)


def test_a_token_with_altered_claims_is_refused(tokens: Tokens) -> None:
    token = tokens.sign(granted(tokens))
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["client_id"] = "bob"
    altered = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidTokenError):
        tokens.verify(f"{head}.{altered}.{signature}", AUDIENCE)


@given(st.text(max_size=200))
def test_any_other_text_is_refused_as_an_invalid_token(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        build(MacStore(), Clock()).verify(text, AUDIENCE)


def test_a_token_expires(tokens: Tokens, clock: Clock) -> None:
    token = tokens.sign(granted(tokens))
    clock.forward(minutes=14, seconds=59)
    tokens.verify(token, AUDIENCE)
    clock.forward(seconds=1)
    with pytest.raises(InvalidTokenError, match="expired"):
        tokens.verify(token, AUDIENCE)


@pytest.mark.parametrize("flaw", ["", "b64", "crit", "detached"])
def test_a_token_with_a_signature_of_another_form_is_refused(tokens: Tokens, flaw: str) -> None:
    headers: dict[str, dict[str, Any]] = {
        "b64": {"b64": False, "crit": ["b64"]},
        "crit": {"crit": ["exp"]},
    }
    token = forge(**headers.get(flaw, {}))
    head, payload, signature = token.split(".")
    forged = {"": f"{head}.{payload}.", "detached": f"{head}..{signature}"}.get(flaw, token)
    with pytest.raises(InvalidTokenError):
        tokens.verify(forged, AUDIENCE)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64, 2000])
def test_a_signature_of_another_length_is_refused_without_a_call(
    tokens: Tokens, store: MacStore, length: int
) -> None:
    head, payload, _ = forge().split(".")
    with pytest.raises(InvalidTokenError):
        tokens.verify(f"{head}.{payload}.{encoded(b'x' * length)}", AUDIENCE)
    assert store.calls == []


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    "secret", ["c2", "c1", "o1", "alias/c2", AUDIENCE, ISSUER, "test-secret" * 4]
)
def test_what_everybody_may_know_is_no_key(tokens: Tokens, secret: str) -> None:
    """HS256 with the key's id or another public word as its secret, as in the confusion of
    algorithms.
    """
    claims = jwt.decode(forge(), options={"verify_signature": False})
    headers = {"typ": "at+jwt", "kid": "c2"}
    with pytest.raises(InvalidTokenError):
        tokens.verify(jwt.encode(claims, secret, "HS256", headers), AUDIENCE)


def test_each_audience_has_keys_of_its_own(tokens: Tokens, store: MacStore, clock: Clock) -> None:
    """Neither authorizer takes what the other's key has signed, whatever the token says."""
    public = build(store, clock, {CLIENT_AUDIENCE: KEYS[CLIENT_AUDIENCE]})
    internal = build(store, clock, {INTERNAL_AUDIENCE: KEYS[INTERNAL_AUDIENCE]})
    client, operator = (granted(tokens, audience) for audience in KEYS)
    assert (client.key_id, operator.key_id) == ("c2", "o1")
    assert public.verify(tokens.sign(client), CLIENT_AUDIENCE) == client
    assert internal.verify(tokens.sign(operator), INTERNAL_AUDIENCE) == operator
    for verifier, own in ((public, CLIENT_AUDIENCE), (internal, INTERNAL_AUDIENCE)):
        other = next(audience for audience in KEYS if audience != own)
        for key in (key for keys in KEYS.values() for key in keys):
            for kid in (key for keys in KEYS.values() for key in keys):
                for audience in KEYS:
                    if key == kid and key in KEYS[own] and audience == own:
                        continue
                    with pytest.raises(InvalidTokenError):
                        verifier.verify(forge({"aud": audience}, key=key, kid=kid), own)
        with pytest.raises(InvalidTokenError):
            verifier.verify(tokens.sign(granted(tokens, other)), other)


@pytest.mark.parametrize(
    "forged",
    [
        forge(kid="c9", key="c9"),
        forge(kid="o1", key="o1"),
        forge({"aud": INTERNAL_AUDIENCE}),
        forge({"exp": 1}),
        forge({"client_id": None}),
        forge(typ="JWT"),
        "a.b.c",
    ],
)
def test_kms_is_asked_only_about_tokens_that_could_be_valid(
    tokens: Tokens, store: MacStore, forged: str
) -> None:
    """So a flood of forged tokens costs nothing beyond the requests, unless they are made well."""
    with pytest.raises(InvalidTokenError):
        tokens.verify(forged, AUDIENCE)
    assert store.calls == []


def test_verifying_needs_no_permission_to_sign(tokens: Tokens, store: MacStore) -> None:
    tokens.verify(forge(), AUDIENCE)
    assert store.calls == ["VerifyMac"]
    store.calls.clear()
    tokens.sign(granted(tokens))
    assert store.calls == ["GenerateMac"]


def test_a_change_of_keys_in_three_steps_refuses_no_token(store: MacStore, clock: Clock) -> None:
    """First the new key is known, then it signs, then the old one goes. In the course of a step,
    some functions have the keys before it and some those after it.
    """
    steps = [["c1"], ["c1", "c2"], ["c2", "c1"], ["c2"]]
    before = steps[0]
    for after in steps:
        for signs in (before, after):
            for verifies in (before, after):
                signer, verifier = (
                    build(store, clock, {AUDIENCE: keys}) for keys in (signs, verifies)
                )
                grant = granted(signer)
                assert verifier.verify(signer.sign(grant), AUDIENCE) == grant
        before = after


def test_the_tokens_of_a_key_end_with_it(store: MacStore, clock: Clock) -> None:
    old = build(store, clock, {AUDIENCE: ["c1"]})
    grant = granted(old)
    token = old.sign(grant)
    both = build(store, clock)
    assert both.verify(token, AUDIENCE) == grant
    assert both.sign(grant) == token
    new = build(store, clock, {AUDIENCE: ["c2"]})
    with pytest.raises(InvalidTokenError, match="not a signing key"):
        new.verify(token, AUDIENCE)
    with pytest.raises(RetiredKeyError):
        new.sign(grant)


@pytest.mark.parametrize("state", ["DisabledException", "KMSInvalidStateException"])
def test_a_disabled_key_is_like_one_that_went(tokens: Tokens, store: MacStore, state: str) -> None:
    grant = granted(tokens)
    store.refusals["c2"] = state
    with pytest.raises(InvalidTokenError):
        tokens.verify(forge(), AUDIENCE)
    with pytest.raises(RetiredKeyError):
        tokens.sign(grant)
    assert tokens.verify(forge(kid="c1", key="c1"), AUDIENCE).key_id == "c1"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "ThrottlingException",
        "KMSInternalException",
        "AccessDeniedException",
        "NotFoundException",
    ],
)
def test_a_token_is_not_called_invalid_while_kms_does_not_tell(
    tokens: Tokens, store: MacStore, code: str
) -> None:
    """Empty: it does not answer at all."""
    store.down = not code
    store.refusals["c2"] = code
    with pytest.raises(KeysUnavailableError):
        tokens.verify(forge(), AUDIENCE)
    with pytest.raises(KeysUnavailableError):
        tokens.sign(granted(tokens))
    store.down, store.refusals = False, {}
    assert tokens.verify(forge(), AUDIENCE).key_id == "c2"
