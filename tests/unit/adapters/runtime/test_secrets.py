"""A cached secret: how often Secrets Manager is asked."""

from datetime import timedelta

import pytest
from botocore.exceptions import BotoCoreError

from tests.fakes.clock import Clock
from tests.fakes.secret_store import SecretStore
from trading.adapters.runtime.secrets import StagedSecret

MINUTE = timedelta(minutes=1)


def test_while_there_is_no_answer_a_known_secret_is_asked_for_once_a_period() -> None:
    clock, store = Clock(), SecretStore()
    store.rotate("signing", "v1", "k1")
    secret = StagedSecret(store, "signing", clock)  # type: ignore[arg-type]
    assert [*secret.versions(MINUTE)] == ["v1"]
    store.down = True
    clock.now += MINUTE
    reads = store.reads
    for _ in range(3):
        assert [*secret.versions(MINUTE)] == ["v1"]
    assert (store.reads - reads, secret.out_of_date) == (1, True)
    clock.now += MINUTE
    store.down = False
    secret.versions(MINUTE)
    assert not secret.out_of_date


def test_a_secret_that_was_never_read_is_asked_for_each_time() -> None:
    clock, store = Clock(), SecretStore()
    store.rotate("signing", "v1", "k1")
    store.down = True
    secret = StagedSecret(store, "signing", clock)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(BotoCoreError):
            secret.versions(MINUTE)
    assert store.reads == 2
