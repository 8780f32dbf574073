"""The check of signed requests."""

from collections.abc import Callable

from trading.adapters.http.nonces import TableNonces
from trading.adapters.http.signature_check import Signatures, SignedRequests, Verify
from trading.adapters.identity.credentials import TableCredentials
from trading.adapters.runtime import clock
from trading.bootstrap import clients
from trading.bootstrap.settings import RateLimitSettings, SignedRequestSettings


def of_operators(settings: SignedRequestSettings) -> SignedRequests:
    """For the internal API: what must be signed there is said by the routes."""
    keys = TableCredentials.of_operators(clients.dynamodb(), settings.credentials_table)
    return SignedRequests(keys.credential, signatures(settings), lambda _: False)


def of_clients(settings: SignedRequestSettings, is_wanted: Callable[[str], bool]) -> SignedRequests:
    """For the public API. `is_wanted`: whether a client wants all its orders signed."""
    keys = TableCredentials.of_clients(clients.dynamodb(), settings.credentials_table)
    return SignedRequests(keys.credential, signatures(settings), is_wanted)


def signatures(settings: RateLimitSettings) -> Signatures:
    """What verifies a signature, with the memory of nonces."""
    nonces = TableNonces(clients.dynamodb(), settings.control_table, clock.now)
    return Signatures(nonces.use, _load_verify, clock.now)


def _load_verify() -> Verify:
    # A worker that never gets a signed request starts faster without this import.
    from trading.adapters.identity.request_signatures import verify

    return verify
