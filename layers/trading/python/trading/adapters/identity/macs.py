"""MACs by HMAC keys of KMS, in a module that is quick to import."""

from typing import Any, Protocol

KMS_ALGORITHM = "HMAC_SHA_256"


class MacService(Protocol):
    """The operations of KMS that tokens and codes need. An authorizer may only verify."""

    def generate_mac(self, *, KeyId: str, Message: bytes, MacAlgorithm: str) -> Any:  # noqa: N803
        ...

    def verify_mac(
        self,
        *,
        KeyId: str,  # noqa: N803
        Message: bytes,  # noqa: N803
        MacAlgorithm: str,  # noqa: N803
        Mac: bytes,  # noqa: N803
    ) -> Any: ...
