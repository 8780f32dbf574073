import pytest
from botocore.exceptions import ClientError

from tests.fakes.clock import Clock
from tests.fakes.secret_store import SecretStore
from trading.adapters.venues.secrets import CACHE_FOR, VenueSecrets


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> SecretStore:
    store = SecretStore()
    store.rotate("venue-XNYS", "v1", "one")
    return store


@pytest.fixture
def secrets(store: SecretStore, clock: Clock) -> VenueSecrets:
    return VenueSecrets(store, "venue-", clock, {"XNYS", "XNAS"})  # type: ignore[arg-type]


def test_the_current_secret_comes_before_the_previous_one(
    secrets: VenueSecrets, store: SecretStore, clock: Clock
) -> None:
    assert secrets.for_key("XNYS") == (b"one",)
    store.rotate("venue-XNYS", "v2", "two")
    assert secrets.for_key("XNYS") == (b"one",)
    clock.forward(seconds=CACHE_FOR.total_seconds())
    assert secrets.for_key("XNYS") == (b"two", b"one")


@pytest.mark.parametrize("key_id", ["", "../signing-key", "a b", "x" * 33, "xnys", "NONE"])
def test_a_key_id_that_is_not_allowed_is_never_looked_up(
    secrets: VenueSecrets, store: SecretStore, key_id: str
) -> None:
    assert secrets.for_key(key_id) == ()
    assert store.reads == 0


def test_the_key_of_another_kind_of_venue_is_not_looked_up(
    secrets: VenueSecrets, store: SecretStore
) -> None:
    store.rotate("venue-depository", "v1", "the depository's")
    assert secrets.for_key("depository") == ()
    assert store.reads == 0


def test_a_flood_of_forged_key_ids_costs_no_call_and_pushes_nothing_out(
    secrets: VenueSecrets, store: SecretStore
) -> None:
    assert secrets.for_key("XNYS") == (b"one",)
    reads = store.reads
    for number in range(1000):
        assert secrets.for_key(f"forged-{number}") == ()
    assert secrets.for_key("XNYS") == (b"one",)
    assert store.reads == reads


def test_an_allowed_venue_without_a_secret_does_not_look_like_a_forged_one(
    secrets: VenueSecrets, store: SecretStore
) -> None:
    store.denies = True
    with pytest.raises(ClientError):
        secrets.for_key("XNAS")


def test_cached_secrets_last_through_an_outage(
    secrets: VenueSecrets, store: SecretStore, clock: Clock
) -> None:
    secrets.for_key("XNYS")
    store.down = True
    clock.forward(minutes=10)
    assert secrets.for_key("XNYS") == (b"one",)
