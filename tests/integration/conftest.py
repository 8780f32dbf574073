from collections.abc import Iterator
from threading import RLock
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.config import default_user_config

from tests.integration.system import System, running_system


@pytest.fixture(scope="session", autouse=True)
def one_session() -> Iterator[None]:
    """Let boto3 read the services' models once, not before every test, as a new session for each
    mock would.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(default_user_config["core"], "reset_boto3_session", False)
        yield


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


@pytest.fixture
def system() -> Iterator[System]:
    """The whole system with faultless venues, funded demo clients, and a clock that the test moves
    (`system.venues`).
    """
    with running_system() as system:
        yield system
