"""API keys and operators are disabled and enabled, and public keys are registered."""

import pytest

from tests.fakes.office import OPERATOR, Office
from trading.domain.clients.credentials import Credential, CredentialStatus
from trading.usecases.administration.administer_keys import OwnStatusError
from trading.usecases.administration.operator_actions import Operator
from trading.usecases.ports import NotFoundError

OWN_KEY = "cHVibGljIGtleSBvZiBhbGljZQ=="
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


def test_a_public_key_is_registered_replaced_and_removed_and_each_time_the_tokens_end(
    office: Office,
) -> None:
    (key,) = office.registry.credentials
    steps = (OWN_KEY, "another", None)
    changed = [office.keys.set_public_key("alice", key, each, OPERATOR) for each in steps]
    assert [(each.public_key, each.generation) for each in changed] == [
        (OWN_KEY, 1),
        ("another", 2),
        (None, 3),
    ]
    assert office.registry.credentials[key] == changed[-1]
    assert office.ended_tokens.generations == {key: 3}
    entries = office.audit.entries[-6:]
    assert {entry[0] for entry in entries} == {"client/alice"}
    assert [(entry[1], entry[4]) for entry in entries] == [
        ("set-public-key", {"api_key": key, "public_key": OWN_KEY}),
        ("registered", {"api_key": key, "public_key": OWN_KEY}),
        ("set-public-key", {"api_key": key, "public_key": "another"}),
        ("registered", {"api_key": key, "public_key": "another"}),
        ("set-public-key", {"api_key": key, "public_key": "none"}),
        ("removed", {"api_key": key, "public_key": "none"}),
    ]


@pytest.mark.parametrize("public_key", [OWN_KEY, None])
def test_the_same_public_key_again_changes_nothing_and_ends_the_tokens_again(
    office: Office, public_key: str | None
) -> None:
    """The first request may have died before it told the routes."""
    (key,) = office.registry.credentials
    office.keys.set_public_key("alice", key, "the one before", OPERATOR)
    first = office.keys.set_public_key("alice", key, public_key, OPERATOR)
    office.ended_tokens.generations.clear()
    assert office.keys.set_public_key("alice", key, public_key, OPERATOR) == first
    assert office.ended_tokens.generations == {key: 2}


@pytest.mark.parametrize(
    ("client_id", "api_key"),
    [("bob", "alice-1"), ("alice", "anna-1"), ("anna", "anna-1"), ("alice", "nothing")],
)
@pytest.mark.parametrize("public_key", [OWN_KEY, None])
def test_only_a_key_of_the_client_gets_a_public_key(
    office: Office, client_id: str, api_key: str, public_key: str | None
) -> None:
    """An operator's API key gets its own from `ops`."""
    assert set(office.registry.credentials) == {"alice-1"}
    before = office.state()
    with pytest.raises(NotFoundError):
        office.keys.set_public_key(client_id, api_key, public_key, OPERATOR)
    assert office.state() == before


def test_a_public_key_is_registered_over_what_another_writer_has_just_changed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = office.registry.credentials
    commit, commits = office.registry.commit, []

    def late(*changes: Credential) -> None:
        commits.append(changes)
        if len(commits) == 1:
            commit(office.registry.credentials[key].with_status(INACTIVE))
        commit(*changes)

    monkeypatch.setattr(office.registry, "commit", late)
    changed = office.keys.set_public_key("alice", key, OWN_KEY, OPERATOR)
    assert len(commits) == 2
    assert (changed.status, changed.public_key, changed.generation) == (INACTIVE, OWN_KEY, 2)
    assert office.registry.credentials[key] == changed
    assert office.ended_tokens.generations == {key: 2}
