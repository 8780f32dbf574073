from collections.abc import Iterator

import pytest
from moto.core.config import default_user_config

from tests.integration.system import System, running_system


@pytest.fixture(scope="session", autouse=True)
def one_session() -> Iterator[None]:
    """boto3 reads the services' models once, and not, as with a new session for each mock, before every test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(default_user_config["core"], "reset_boto3_session", False)
        yield


@pytest.fixture
def system() -> Iterator[System]:
    """The whole system with faultless venues, funded demo clients, and a clock that the test moves (`system.venues`)."""
    with running_system() as system:
        yield system
