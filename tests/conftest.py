"""What all tests share."""

import io
import sys
from collections.abc import Iterator

import pytest


class _StandardOutput(io.TextIOBase):
    """The standard output of the moment. `capsys` replaces it, and loggers keep theirs."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


@pytest.fixture(autouse=True)
def _captured_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let `capsys` see the log."""
    if "capsys" not in request.fixturenames:
        yield
        return
    from trading.adapters.runtime.observability import logger

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logger.registered_handler, "stream", _StandardOutput())
        yield
