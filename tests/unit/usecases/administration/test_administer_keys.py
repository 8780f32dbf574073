"""API keys and operators are disabled and enabled."""

import pytest

from tests.fakes.office import OPERATOR, Office
from trading.domain.clients.credentials import CredentialStatus
from trading.usecases.administration.administer_keys import OwnStatusError
from trading.usecases.administration.operator_actions import Operator
from trading.usecases.ports import NotFoundError

ACTIVE, INACTIVE = CredentialStatus.ACTIVE, CredentialStatus.INACTIVE
ANNA = Operator(name="anna", who="anna (another key)", reason="ticket 4711")


@pytest.fixture
def office() -> Office:
    return Office().opened()


def test_a_key_that_is_enabled_again_leaves_its_tokens_ended(office: Office) -> None:
    (key,) = office.registry.credentials
    disabled = office.keys.set_key("alice", key, INACTIVE, OPERATOR)
    enabled = office.keys.set_key("alice", key, ACTIVE, OPERATOR)
    assert [(each.status, each.generation) for each in (disabled, enabled)] == [
        (INACTIVE, 1),
        (ACTIVE, 1),
    ]
    assert office.ended_tokens.generations == {key: 1}
    assert office.audit.actions()[-4:] == ["disable-key", "disabled", "enable-key", "enabled"]
    assert {entry[0] for entry in office.audit.entries[-4:]} == {"client/alice"}
    assert all(entry[4] == {"api_key": key} for entry in office.audit.entries[-4:])


@pytest.mark.parametrize(
    ("client_id", "api_key"), [("bob", "alice-1"), ("alice", "anna-1"), ("alice", "nothing")]
)
@pytest.mark.parametrize("status", [ACTIVE, INACTIVE])
def test_only_a_key_of_the_client_is_disabled(
    office: Office, client_id: str, api_key: str, status: CredentialStatus
) -> None:
    before = office.state()
    with pytest.raises(NotFoundError):
        office.keys.set_key(client_id, api_key, status, OPERATOR)
    assert office.state() == before


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_only_an_operator_is_disabled_as_one(office: Office, name: str) -> None:
    before = office.state()
    with pytest.raises(NotFoundError):
        office.keys.set_operator(name, INACTIVE, OPERATOR)
    assert office.state() == before


@pytest.mark.parametrize("status", [ACTIVE, INACTIVE])
def test_nobody_changes_an_own_status_with_whichever_key(
    office: Office, status: CredentialStatus
) -> None:
    before = office.state()
    with pytest.raises(OwnStatusError):
        office.keys.set_operator("anna", status, ANNA)
    assert office.state() == before
    assert office.audit.actions()[-1] == ("enable" if status is ACTIVE else "disable")


def test_an_operator_is_disabled_with_every_key(office: Office) -> None:
    first = office.operators.credentials["anna-1"]
    office.operators.credentials["anna-2"] = first.but(api_key="anna-2", status=INACTIVE)
    keys = office.keys.set_operator("anna", INACTIVE, OPERATOR)
    assert [(each.api_key, each.status, each.generation) for each in keys] == [
        ("anna-1", INACTIVE, 1),
        ("anna-2", INACTIVE, 0),
    ]
    assert office.keys.keys_of("anna") == keys
    assert [each.status for each in office.keys.set_operator("anna", ACTIVE, OPERATOR)] == [
        ACTIVE,
        ACTIVE,
    ]


def test_the_same_state_again_changes_nothing_and_ends_the_tokens_again(office: Office) -> None:
    """The first request may have died before it told the routes."""
    (key,) = office.registry.credentials
    first = office.keys.set_key("alice", key, INACTIVE, OPERATOR)
    office.ended_tokens.generations.clear()
    assert office.keys.set_key("alice", key, INACTIVE, OPERATOR) == first
    assert office.ended_tokens.generations == {key: 1}
