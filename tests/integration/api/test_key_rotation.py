"""The rotation of the signing key: what its function tells the alarms."""

import pytest
from botocore.exceptions import ClientError

from tests.integration.api.conftest import World

DAILY = {"scheduled_time": "2026-03-02T07:00:00Z", "every_days": 30}
SECRET_ID = "trading-test-signing-key"
CHECKED = '"SigningKeyChecked"'


def test_a_rotation_that_fails_counts_as_no_check_of_the_key(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """So an alarm tells that the key has not been checked."""
    world.call("key_rotation", DAILY)
    assert CHECKED in capsys.readouterr().out
    world.secrets_manager.delete_secret(SecretId=SECRET_ID, ForceDeleteWithoutRecovery=True)
    with pytest.raises(ClientError):
        world.call("key_rotation", DAILY)
    assert CHECKED not in capsys.readouterr().out
