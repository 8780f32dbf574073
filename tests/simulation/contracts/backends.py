"""The backends of the contract suites."""

import pytest

BACKENDS = ("simulated", "moto", "local")


def without(**reasons: str) -> pytest.MarkDecorator:
    """Leave backends out of a test, each for a reason."""
    return pytest.mark.parametrize(
        "aws", [name for name in BACKENDS if name not in reasons], indirect=True
    )
