import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import Clock
from tests.fakes.secret_store import SecretStore
from trading.adapters.identity.tokens import (
    KEYS_CACHED_FOR,
    PUBLISHED_FOR,
    UNKNOWN_KEY_REFRESH,
    Grant,
    InvalidTokenError,
    KeysUnavailableError,
    RetiredKeyError,
    Tokens,
)
from trading.adapters.runtime.secrets import StagedSecret
from trading.domain.clients.credentials import Credential

KEYS = {"v1": "k1" * 32, "v2": "k2" * 32, "v3": "k3" * 32}
ISSUER = "trading-test"
AUDIENCE = "trading-api"
LIFETIME = timedelta(minutes=15)
CLAIMS = ("iss", "aud", "sub", "client_id", "permissions", "iat", "exp", "jti", "generation")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> SecretStore:
    store = SecretStore()
    store.rotate("signing", "v1", KEYS["v1"])
    return store


@pytest.fixture
def tokens(store: SecretStore, clock: Clock) -> Tokens:
    return build(store, clock)


def build(store: SecretStore, clock: Clock) -> Tokens:
    return Tokens(StagedSecret(store, "signing", clock), ISSUER, LIFETIME, clock)  # type: ignore[arg-type]


def granted(tokens: Tokens) -> Grant:
    credential = Credential(
        api_key="key-alice",
        client_id="alice",
        secret_hashes=("hash",),
        permissions=("orders:read", "orders:write"),
        audience=AUDIENCE,
        generation=2,
    )
    return tokens.grant(credential)


def forge(claims: dict[str, Any] | None = None, key: str = KEYS["v1"], **header: Any) -> str:
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
    } | (claims or {})
    stated = {name: value for name, value in stated.items() if value is not None}
    headers = {"typ": "at+jwt", "kid": "v1"} | header
    return jwt.encode(
        stated, key, "HS256", headers={name: value for name, value in headers.items() if value}
    )


def test_a_verified_token_yields_what_was_granted(tokens: Tokens) -> None:
    grant = granted(tokens)
    assert tokens.verify(tokens.sign(grant), AUDIENCE) == grant


def test_a_token_has_the_claims_of_rfc_9068_its_permissions_and_no_more(tokens: Tokens) -> None:
    token = tokens.sign(granted(tokens))
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "at+jwt", "kid": "v1"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert sorted(claims) == sorted(CLAIMS)


def test_the_same_grant_makes_the_identical_token(
    tokens: Tokens, store: SecretStore, clock: Clock
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
        forge(kid="v9"),
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
        jwt.encode({"sub": "alice"}, "", "none"),
        "",
        "a.b.c",
        "x" * 5000,
    ],
)
def test_a_forged_token_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.verify(token, AUDIENCE)


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256", "hs256"])
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
    store = SecretStore()
    store.rotate("signing", "v1", KEYS["v1"])
    with pytest.raises(InvalidTokenError):
        build(store, Clock()).verify(text, AUDIENCE)


def test_a_token_expires(tokens: Tokens, clock: Clock) -> None:
    token = tokens.sign(granted(tokens))
    clock.forward(minutes=14, seconds=59)
    tokens.verify(token, AUDIENCE)
    clock.forward(seconds=1)
    with pytest.raises(InvalidTokenError, match="expired"):
        tokens.verify(token, AUDIENCE)


def test_the_current_and_the_previous_key_are_valid_and_older_keys_are_not(
    store: SecretStore, clock: Clock
) -> None:
    old = build(store, clock)
    grant = granted(old)
    token = old.sign(grant)
    store.rotate("signing", "v2", KEYS["v2"])
    fresh = build(store, clock)
    assert fresh.verify(token, AUDIENCE) == grant
    assert fresh.sign(grant) == token
    assert granted(fresh).key_id == "v2"
    store.rotate("signing", "v3", KEYS["v3"])
    fresher = build(store, clock)
    with pytest.raises(InvalidTokenError, match="unknown signing key"):
        fresher.verify(token, AUDIENCE)
    with pytest.raises(RetiredKeyError):
        fresher.sign(grant)


def test_a_warm_verifier_loads_a_new_key_at_the_first_token_that_names_it(
    store: SecretStore, clock: Clock
) -> None:
    warm = build(store, clock)
    warm.verify(forge(), AUDIENCE)
    store.rotate("signing", "v2", KEYS["v2"])
    clock.forward(seconds=UNKNOWN_KEY_REFRESH.total_seconds())
    assert warm.verify(forge(key=KEYS["v2"], kid="v2"), AUDIENCE).key_id == "v2"
    assert warm.verify(forge(), AUDIENCE).key_id == "v1"


def test_a_new_key_signs_only_after_every_warm_verifier_can_know_it(
    store: SecretStore, clock: Clock
) -> None:
    warm, signer = build(store, clock), build(store, clock)
    for second in range(60):
        if second == 10:
            warm.verify(forge(), AUDIENCE)
            store.rotate("signing", "v2", KEYS["v2"], clock())
            signer = build(store, clock)
        grant = granted(signer)
        assert grant.key_id == ("v1" if second < 10 + PUBLISHED_FOR.total_seconds() else "v2")
        assert warm.verify(signer.sign(grant), AUDIENCE) == grant
        clock.forward(seconds=1)


def test_if_all_keys_are_new_the_oldest_signs(store: SecretStore, clock: Clock) -> None:
    store.rotate("signing", "v2", KEYS["v2"], clock())
    store.rotate("signing", "v3", KEYS["v3"], clock())
    assert granted(build(store, clock)).key_id == "v2"


def test_a_token_is_not_called_invalid_while_its_key_cannot_be_looked_up(
    tokens: Tokens, store: SecretStore, clock: Clock
) -> None:
    tokens.verify(forge(), AUDIENCE)
    store.rotate("signing", "v2", KEYS["v2"])
    store.down = True
    clock.forward(seconds=UNKNOWN_KEY_REFRESH.total_seconds())
    for _ in range(2):
        with pytest.raises(KeysUnavailableError):
            tokens.verify(forge(key=KEYS["v2"], kid="v2"), AUDIENCE)
    store.down = False
    clock.forward(seconds=UNKNOWN_KEY_REFRESH.total_seconds())
    assert tokens.verify(forge(key=KEYS["v2"], kid="v2"), AUDIENCE).key_id == "v2"


def test_forged_key_ids_cause_no_more_reads_of_the_secret_store(
    tokens: Tokens, store: SecretStore, clock: Clock
) -> None:
    tokens.verify(forge(), AUDIENCE)
    cold = store.reads
    for number in range(50):
        with pytest.raises(InvalidTokenError):
            tokens.verify(forge(kid=f"forged-{number}"), AUDIENCE)
    assert store.reads == cold
    clock.forward(seconds=UNKNOWN_KEY_REFRESH.total_seconds())
    for number in range(50):
        with pytest.raises(InvalidTokenError):
            tokens.verify(forge(kid=f"forged-{number}"), AUDIENCE)
    assert store.reads == 2 * cold


def test_known_keys_stay_valid_during_an_outage_of_the_secret_store(
    tokens: Tokens, store: SecretStore, clock: Clock
) -> None:
    tokens.verify(forge(), AUDIENCE)
    store.down = True
    clock.forward(seconds=KEYS_CACHED_FOR.total_seconds())
    tokens.verify(forge(), AUDIENCE)


def test_an_outage_at_cold_start_is_not_reported_as_an_invalid_token(
    store: SecretStore, clock: Clock
) -> None:
    store.down = True
    with pytest.raises(Exception, match="secretsmanager"):
        build(store, clock).verify(forge(), AUDIENCE)


def test_a_short_key_is_refused(clock: Clock) -> None:
    store = SecretStore()
    store.rotate("signing", "v1", "short")
    with pytest.raises(RuntimeError, match="32 bytes"):
        build(store, clock).sign(granted(build(store, clock)))
