"""What the simulated services are held against."""

import pytest

BACKENDS = ("simulated", "moto", "local")


def without(**reasons: str) -> pytest.MarkDecorator:
    """Leave backends out, each for a reason."""
    return pytest.mark.parametrize(
        "aws", [name for name in BACKENDS if name not in reasons], indirect=True
    )
