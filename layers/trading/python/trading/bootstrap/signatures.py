"""The check of signed requests."""

from collections.abc import Callable

from trading.adapters.http.nonces import TableNonces
from trading.adapters.http.signature_check import SignedRequests, Verify
from trading.adapters.identity.credentials import TableCredentials
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.settings import SignedRequestSettings


def of_operators(settings: SignedRequestSettings) -> SignedRequests:
    """For the internal API: what must be signed there is said by the routes."""
    keys = TableCredentials.of_operators(clients.dynamodb(), settings.credentials_table)
    return _signed_requests(settings, keys, lambda _: False)


def of_clients(settings: SignedRequestSettings, is_wanted: Callable[[str], bool]) -> SignedRequests:
    """For the public API. `is_wanted`: whether a client wants all its orders signed."""
    keys = TableCredentials.of_clients(clients.dynamodb(), settings.credentials_table)
    return _signed_requests(settings, keys, is_wanted)


def _signed_requests(
    settings: SignedRequestSettings, keys: TableCredentials, is_wanted: Callable[[str], bool]
) -> SignedRequests:
    nonces = TableNonces(clients.dynamodb(), settings.control_table, clock.now)
    return SignedRequests(keys.credential, nonces.use, _load_verify, clock.now, is_wanted)


def _load_verify() -> Verify:
    # A worker that never gets a signed request starts faster without this import.
    from trading.adapters.identity.request_signatures import verify

    return verify
