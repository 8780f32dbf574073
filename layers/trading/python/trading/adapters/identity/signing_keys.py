"""New versions of the key that signs access tokens, in Secrets Manager."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretSigningKeys:
    """The port `SigningKeys` over one secret.

    Secrets Manager keeps the former key as AWSPREVIOUS. Tokens signed with it stay valid.
    """

    def __init__(self, client: SecretsManagerClient, secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id

    def add(self, version_id: str) -> bool:
        """Make a new key the current one. False: there is a version of that id already."""
        try:
            self._client.put_secret_value(
                SecretId=self._secret_id,
                ClientRequestToken=version_id,
                SecretString=secrets.token_urlsafe(64),
            )
        except self._client.exceptions.ResourceExistsException:
            return False
        return True
