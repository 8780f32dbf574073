"""The rotation of the key that signs access tokens."""

from trading.adapters.identity.signing_keys import SecretSigningKeys
from trading.bootstrap import clients
from trading.bootstrap.settings import SigningKeySettings
from trading.usecases.identity.rotate_signing_key import RotateSigningKey


def rotate_signing_key(settings: SigningKeySettings) -> RotateSigningKey:
    secret_id = settings.signing_key_secret_id
    return RotateSigningKey(SecretSigningKeys(clients.secrets_manager(), secret_id), secret_id)
