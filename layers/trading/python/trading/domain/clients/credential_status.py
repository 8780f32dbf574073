"""The status of a credential, in a module that is quick to import."""

from enum import StrEnum


class CredentialStatus(StrEnum):
    """Whether a credential may be used."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
