"""The codes of second factors, which are derived from a key of KMS."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trading.adapters.identity.macs import KMS_ALGORITHM, MacService
from trading.adapters.runtime.observability import logger
from trading.domain.clients.second_factor import (
    DIGITS,
    RECOVERY_CODES,
    STEP,
    STEPS_APART,
    CodesUnavailableError,
)

if TYPE_CHECKING:
    from pyotp import TOTP

SECRET_BYTES = 20
"""The length that RFC 4226, 4 recommends."""
RECOVERY_CODE_BYTES = 10
_GROUP = 4


class DerivedCodes:
    """The port `Codes`. All secrets of an enrolment are derived from the MAC of its id by a key of
    KMS that nobody can read. So they are stored nowhere, and can be derived again.
    """

    def __init__(self, kms: MacService, key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def secret(self, enrolment: str) -> str:
        return b32encode(self._derived(enrolment, b"totp", SECRET_BYTES)).decode()

    def recovery_codes(self, enrolment: str) -> Sequence[str]:
        size = RECOVERY_CODE_BYTES
        material = self._derived(enrolment, b"recovery", RECOVERY_CODES * size)
        return [
            _readable(material[start : start + size]) for start in range(0, len(material), size)
        ]

    def step_of(self, enrolment: str, code: str, now: datetime) -> int | None:
        totp = _authenticator(self.secret(enrolment))
        current = totp.timecode(now)
        steps = range(current - STEPS_APART, current + STEPS_APART + 1)
        matching = [step for step in steps if compare_digest(totp.generate_otp(step), code)]
        return max(matching, default=None)

    def place_of(self, enrolment: str, code: str) -> int | None:
        codes = enumerate(self.recovery_codes(enrolment))
        matching = [place for place, each in codes if compare_digest(each, code)]
        return max(matching, default=None)

    def _derived(self, enrolment: str, purpose: bytes, size: int) -> bytes:
        """Bytes for one purpose: SHAKE256 (FIPS 202) of the MAC. Raises CodesUnavailableError."""
        try:
            answer = self._kms.generate_mac(
                KeyId=self._key_id, Message=enrolment.encode(), MacAlgorithm=KMS_ALGORITHM
            )
        except (ClientError, BotoCoreError) as error:
            logger.exception("the key of second factors does not answer")
            raise CodesUnavailableError(
                "The code could not be checked. Try again with the same Idempotency-Key.",
                retry_after_seconds=1,
            ) from error
        return hashlib.shake_256(purpose + b"\0" + answer["Mac"]).digest(size)


def provisioning_uri(issuer: str, account: str, secret: str) -> str:
    """The content of an enrolment's QR code, in the key URI format of authenticators."""
    return _authenticator(secret).provisioning_uri(name=account, issuer_name=issuer)


def _authenticator(secret: str) -> TOTP:
    # Most log-ins have no code, and start faster without this import.
    from pyotp import TOTP

    return TOTP(secret, digits=DIGITS, interval=int(STEP.total_seconds()))


def _readable(material: bytes) -> str:
    text = b32encode(material).decode().lower()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
