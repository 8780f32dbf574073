"""No write about a caller undoes what another writer wrote: nonces, tokens, log-ins and second
factors.

`test_item_writers.py` has the table of all writers.
"""

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.builders import make_client
from tests.fakes.clock import Clock
from tests.integration.backing import PREFIX
from tests.integration.trading.books import NAMES, items, put
from trading.adapters.dynamodb.outbox import event_in
from trading.adapters.dynamodb.registry import TableRegistry
from trading.adapters.dynamodb.second_factors import ProfilePolicies, TableSecondFactors
from trading.adapters.dynamodb.tables import TableBooks
from trading.adapters.http.ended_tokens import TableEndedTokens
from trading.adapters.http.nonces import TableNonces
from trading.adapters.http.throttle import Throttle
from trading.adapters.identity.login import TableLoginFailures
from trading.domain.clients.second_factor import SecondFactor, SecondFactorPolicy
from trading.domain.clients.signed_requests import SignatureError
from trading.usecases.ports import StaleError

CONTROL = f"{PREFIX}control"


def test_a_nonce_is_used_by_one_of_two_workers(dynamodb: Any, clock: Clock) -> None:
    workers = [TableNonces(dynamodb, CONTROL, clock) for _ in range(2)]
    workers[0].use("key-1", "0123456789abcdef")
    for worker in workers:
        with pytest.raises(SignatureError, match="nonce"):
            worker.use("key-1", "0123456789abcdef")
    workers[1].use("key-2", "0123456789abcdef")
    workers[1].use("key-1", "fedcba9876543210")


def test_tokens_that_ended_stay_ended_whatever_a_late_worker_writes(
    dynamodb: Any, clock: Clock
) -> None:
    door = Throttle(dynamodb, CONTROL, clock, limit=9, window_seconds=10)
    ended = TableEndedTokens(dynamodb, CONTROL, clock)

    def generation(key: str) -> int:
        allowance = door.take(key, 0)
        assert allowance
        return allowance.generation

    assert generation("key-1") == 0
    ended.end_before("key-1", 2)
    ended.end_before("key-1", 1)
    for _ in range(61):
        assert generation("key-1") == 2, clock()
        clock.forward(minutes=1)
    assert generation("key-2") == 0


def test_a_full_window_grants_nothing_to_a_concurrent_request(dynamodb: Any, clock: Clock) -> None:
    doors = [Throttle(dynamodb, CONTROL, clock, limit=1, window_seconds=10) for _ in range(2)]
    granted = [allowance.granted for door in doors if (allowance := door.take("key-1", 0))]
    assert granted == [True, False]
    (item,) = items(dynamodb, CONTROL)
    assert [value for name, value in item.items() if name.startswith("w")] == [1]


def test_concurrent_wrong_logins_all_count(dynamodb: Any, clock: Clock) -> None:
    workers = [TableLoginFailures(dynamodb, CONTROL, clock) for _ in range(2)]
    for worker in workers * 2:
        worker.add("key-1", "192.0.2.1")
    recent = workers[0].recent("key-1", "192.0.2.1")
    assert recent.with_key
    assert recent.from_address
    assert (recent.with_key.number, recent.from_address.number) == (4, 4)


def test_forgetting_twice_changes_nothing(dynamodb: Any, clock: Clock) -> None:
    failures = TableLoginFailures(dynamodb, CONTROL, clock)
    failures.add("key-1", "192.0.2.1")
    failures.forget("key-1", "192.0.2.1")
    failures.forget("key-1", "192.0.2.1")
    recent = failures.recent("key-1", "192.0.2.1")
    assert recent.with_key is None
    assert recent.from_address


def test_of_two_codes_at_the_same_time_one_is_written(dynamodb: Any) -> None:
    factors = TableSecondFactors(dynamodb, f"{PREFIX}factors")
    factors.commit(SecondFactor(holder="client/alice", enrolment="one"))
    seen = factors.of("client/alice")
    factors.commit(seen.after_code(1, "first"))
    with pytest.raises(StaleError):
        factors.commit(seen.after_code(1, "second"))
    assert factors.of("client/alice").last_request == "first"


def test_a_policy_and_other_changes_of_a_profile_do_not_undo_each_other(
    dynamodb: Any, books: TableBooks, clock: Clock
) -> None:
    registry = TableRegistry(dynamodb, NAMES, f"{PREFIX}credentials", books)
    registry.commit(make_client())
    policies, seen = ProfilePolicies(dynamodb, NAMES.clients, clock), registry.profile("alice")
    assert seen
    policies.set("alice", Decimal("500.00"))
    with pytest.raises(StaleError):
        registry.commit(seen.with_signed_orders(True))
    changed = registry.profile("alice")
    assert changed
    assert (changed.version, changed.second_factor_above) == (2, Decimal("500.00"))
    registry.commit(changed.with_signed_orders(True))
    policies.set("alice", None)
    after = registry.profile("alice")
    assert after
    assert (after.version, after.signed_orders, after.second_factor_above) == (4, True, None)


def test_a_policy_of_orders_leaves_withdrawals_as_they_are(
    dynamodb: Any, books: TableBooks, clock: Clock
) -> None:
    TableRegistry(dynamodb, NAMES, f"{PREFIX}credentials", books).commit(make_client())
    policies = ProfilePolicies(dynamodb, NAMES.clients, clock)
    assert policies.of("alice") == SecondFactorPolicy()
    for above, withdrawals, expected in (
        (None, True, True),
        (Decimal("500.00"), None, True),
        (Decimal("500.00"), False, False),
        (None, None, False),
    ):
        policies.set("alice", above, withdrawals)
        policy = SecondFactorPolicy(orders_above=above, withdrawals=expected)
        assert policies.of("alice") == policy


def test_a_policy_counts_a_profile_without_a_version_like_everybody(
    dynamodb: Any, books: TableBooks, clock: Clock
) -> None:
    """Seeded profiles have none. Whoever has read one as the first version is out of date."""
    registry = TableRegistry(dynamodb, NAMES, f"{PREFIX}credentials", books)
    put(dynamodb, NAMES.clients, make_client().model_dump(exclude={"version"}))
    seen = registry.profile("alice")
    assert seen
    ProfilePolicies(dynamodb, NAMES.clients, clock).set("alice", Decimal(0))
    with pytest.raises(StaleError):
        registry.commit(seen.with_signed_orders(True))


def test_a_policy_is_told_and_leaves_no_gap_in_the_versions(
    dynamodb: Any, books: TableBooks, clock: Clock
) -> None:
    registry = TableRegistry(dynamodb, NAMES, f"{PREFIX}credentials", books)
    registry.commit(make_client())
    ProfilePolicies(dynamodb, NAMES.clients, clock).set("alice", Decimal("500.00"))
    item = dynamodb.get_item(TableName=NAMES.clients, Key={"client_id": {"S": "alice"}})["Item"]
    event = event_in(item)
    assert (event.id, event.type, event.sequence) == ("client/alice/2", "client.changed", 2)
    assert event.data.client is not None
    assert event.data.client.version == 2


def test_of_two_policies_at_the_same_time_one_is_written(
    dynamodb: Any, books: TableBooks, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    TableRegistry(dynamodb, NAMES, f"{PREFIX}credentials", books).commit(make_client())
    policies = ProfilePolicies(dynamodb, NAMES.clients, clock)
    late = ProfilePolicies(dynamodb, NAMES.clients, clock)
    told = late._event

    def after_the_other(item: Any) -> str:
        policies.set("alice", Decimal("500.00"))
        return told(item)

    monkeypatch.setattr(late, "_event", after_the_other)
    with pytest.raises(StaleError):
        late.set("alice", Decimal("700.00"))
    assert policies.of("alice").orders_above == Decimal("500.00")
