"""The token of a WebSocket's handshake: in a header, or among the subprotocols of a browser."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.builders import make_secret
from tests.fakes.clock import Clock
from tests.fakes.mac_service import MacStore
from trading.adapters.identity.authorizer import Authorizer
from trading.adapters.identity.signing_keys import SigningKeys
from trading.adapters.identity.tokens import Tokens
from trading.domain.clients.credentials import CLIENT_AUDIENCE, Credential
from trading.domain.clients.second_factor import WITH_SECRET

ARN = "arn:aws:execute-api:us-east-1:123456789012:api1234567/stream/$connect"
OFFERED, HEADER = "Sec-WebSocket-Protocol", "Authorization"


@pytest.fixture
def tokens() -> Tokens:
    keys = SigningKeys(MacStore(), {CLIENT_AUDIENCE: ["c1"]})
    return Tokens(keys, "trading-test", timedelta(minutes=15), Clock())


def token_of(tokens: Tokens, client_id: str) -> str:
    credential = Credential(
        api_key=f"key-{client_id}",
        client_id=client_id,
        permissions=("accounts:read",),
        secrets=(make_secret(),),
        generation=1,
    )
    return tokens.sign(tokens.grant(credential, WITH_SECRET))


def verdict(
    tokens: Tokens, headers: dict[str, str] | None, event_type: str | None = "CONNECT"
) -> str:
    """Whom the authorizer lets in. Raises what it raises."""
    event: dict[str, Any] = {
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": headers,
        "requestContext": {"eventType": event_type} if event_type else {},
    }
    answer = Authorizer(tokens, CLIENT_AUDIENCE).authorize(event)
    [statement] = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == ARN.removesuffix("$connect") + "*"
    client_id: str = answer["context"]["client_id"]
    return client_id


@pytest.mark.parametrize("name", [HEADER, "authorization"])
def test_a_program_sends_the_token_as_to_any_route(tokens: Tokens, name: str) -> None:
    assert verdict(tokens, {name: f"Bearer {token_of(tokens, 'alice')}"}) == "alice"


@pytest.mark.parametrize("name", [OFFERED, OFFERED.lower()])
@pytest.mark.parametrize(
    "offered", ["trading, bearer.{}", "bearer.{}, trading", "trading,bearer.{}", "bearer.{}"]
)
def test_a_browser_offers_the_token_among_the_subprotocols(
    tokens: Tokens, name: str, offered: str
) -> None:
    assert verdict(tokens, {name: offered.format(token_of(tokens, "alice"))}) == "alice"


def test_if_there_are_both_the_subprotocol_counts(tokens: Tokens) -> None:
    """No part of the handshake is for another client than the one that is let in."""
    headers = {
        HEADER: f"Bearer {token_of(tokens, 'bob')}",
        OFFERED: f"trading, bearer.{token_of(tokens, 'alice')}",
    }
    assert verdict(tokens, headers) == "alice"


def test_a_wrong_token_is_not_made_up_for_by_another_one(tokens: Tokens) -> None:
    good = token_of(tokens, "alice")
    for headers in (
        {HEADER: f"Bearer {good}", OFFERED: "bearer.wrong"},
        {OFFERED: f"bearer.wrong, bearer.{good}"},
    ):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            verdict(tokens, headers)


def test_other_subprotocols_leave_the_header_as_it_is(tokens: Tokens) -> None:
    headers = {HEADER: f"Bearer {token_of(tokens, 'alice')}", OFFERED: "trading, bearer"}
    assert verdict(tokens, headers) == "alice"


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {OFFERED: ""},
        {OFFERED: "trading"},
        {OFFERED: "bearer."},
        {OFFERED: "bearer. , trading"},
        {HEADER: "Bearer"},
        {HEADER: "Basic abc"},
    ],
)
def test_without_a_token_nobody_is_let_in(tokens: Tokens, headers: dict[str, str] | None) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        verdict(tokens, headers)


@pytest.mark.parametrize("event_type", [None, "MESSAGE", "DISCONNECT"])
def test_only_a_handshake_may_have_the_token_there(tokens: Tokens, event_type: str | None) -> None:
    """A request over HTTP has its token in one place."""
    token = token_of(tokens, "alice")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        verdict(tokens, {OFFERED: f"bearer.{token}"}, event_type)
    headers = {OFFERED: f"bearer.{token}", HEADER: f"Bearer {token_of(tokens, 'bob')}"}
    assert verdict(tokens, headers, event_type) == "bob"
