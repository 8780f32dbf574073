"""The keys of exchanges are disabled and enabled."""

import pytest

from tests.fakes.faults import CrashError
from tests.fakes.office import OPERATOR, Office
from trading.domain.clients.credentials import CredentialStatus
from trading.usecases.ports import NotFoundError

ACTIVE, INACTIVE = CredentialStatus.ACTIVE, CredentialStatus.INACTIVE


@pytest.fixture
def office() -> Office:
    return Office().opened()


def test_a_key_is_active_until_it_is_disabled_and_comes_back(office: Office) -> None:
    assert office.venue_keys.show("XNYS").is_active
    for status in (INACTIVE, INACTIVE, ACTIVE, ACTIVE):
        key = office.venue_keys.set_key("XNYS", status, OPERATOR)
        assert key == office.venue_keys.show("XNYS")
        assert (key.key_status, key.is_active) == (status, status is ACTIVE)
        assert office.venue_keys.show("XNAS").is_active
    words = ["disable-key", "disabled"] * 2 + ["enable-key", "enabled"] * 2
    assert office.audit.actions()[-8:] == words
    assert {entry[0] for entry in office.audit.entries[-8:]} == {"venue/XNYS"}
    assert {entry[2:4] for entry in office.audit.entries[-8:]} == {(OPERATOR.who, OPERATOR.reason)}


@pytest.mark.parametrize("venue", ["depository", "alice", "nothing"])
def test_only_an_exchange_has_such_a_key(office: Office, venue: str) -> None:
    before = office.state()
    for act in (
        lambda: office.venue_keys.show(venue),
        lambda: office.venue_keys.set_key(venue, INACTIVE, OPERATOR),
    ):
        with pytest.raises(NotFoundError) as unknown:
            act()
        assert unknown.value.field == "venue"
    assert office.state() == before


def test_nothing_is_disabled_that_is_not_announced(office: Office) -> None:
    office.faults.before("audit.write")
    with pytest.raises(CrashError):
        office.venue_keys.set_key("XNYS", INACTIVE, OPERATOR)
    assert office.venue_keys.show("XNYS").is_active
