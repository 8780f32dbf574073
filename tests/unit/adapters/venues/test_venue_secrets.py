import pytest

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
    return VenueSecrets(store, "venue-", clock)  # type: ignore[arg-type]


def test_the_current_secret_comes_before_the_previous_one(
    secrets: VenueSecrets, store: SecretStore, clock: Clock
) -> None:
    assert secrets.for_key("XNYS") == (b"one",)
    store.rotate("venue-XNYS", "v2", "two")
    assert secrets.for_key("XNYS") == (b"one",)
    clock.forward(seconds=CACHE_FOR.total_seconds())
    assert secrets.for_key("XNYS") == (b"two", b"one")


@pytest.mark.parametrize("denies", [False, True])
def test_an_unknown_venue_has_no_secret_and_is_looked_up_once(
    secrets: VenueSecrets, store: SecretStore, denies: bool
) -> None:
    store.denies = denies
    assert secrets.for_key("NONE") == ()
    reads = store.reads
    assert secrets.for_key("NONE") == ()
    assert store.reads == reads


@pytest.mark.parametrize("key_id", ["", "../signing-key", "a b", "x" * 33])
def test_a_malformed_key_id_is_never_looked_up(
    secrets: VenueSecrets, store: SecretStore, key_id: str
) -> None:
    assert secrets.for_key(key_id) == ()
    assert store.reads == 0


def test_cached_secrets_last_through_an_outage(
    secrets: VenueSecrets, store: SecretStore, clock: Clock
) -> None:
    secrets.for_key("XNYS")
    store.down = True
    clock.forward(minutes=10)
    assert secrets.for_key("XNYS") == (b"one",)
