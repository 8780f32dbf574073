import functools
from collections.abc import Iterator
from threading import RLock
from typing import Any

import botocore.session
import moto.kms.models
import pytest
from botocore.loaders import Loader
from moto.core.botocore_stubber import BotocoreStubber

from tests.integration.system import System, running_system


@pytest.fixture(scope="session", autouse=True)
def one_request_at_a_time() -> Iterator[None]:
    """A real service handles requests to one item one after another. Moto, when called from several
    threads, checks and writes in two steps.
    """
    lock, process = RLock(), BotocoreStubber.process_request

    def locked(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return process(stubber, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "process_request", locked)
        yield


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """Each mock and each cold start makes a session of its own. Each session would parse the models
    of the services again, for a fifth of the time of a test.
    """
    parsed: dict[Any, Any] = {}
    create = botocore.session.create_loader

    def sharing(search_path: str | None = None) -> Loader:
        loader = create(search_path)
        loader._cache = parsed
        return loader

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", sharing)
        yield


@pytest.fixture(scope="session", autouse=True)
def keys_are_made_once() -> Iterator[None]:
    """Moto makes an RSA key for each KMS key, also for those that only make MACs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            moto.kms.models,
            "generate_private_key",
            functools.cache(moto.kms.models.generate_private_key),
        )
        yield


@pytest.fixture
def system() -> Iterator[System]:
    """The whole system with faultless venues, funded demo clients, and a clock that the test moves
    (`system.venues`).
    """
    with running_system() as system:
        yield system
