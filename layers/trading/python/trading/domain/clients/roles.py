"""The roles of operators, and what each role permits at the internal API."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What an operator is there for. An operator has one role or several."""

    READER = "reader"
    CLIENT_ADMINISTRATOR = "client-administrator"
    TRANSFERS = "transfers"
    HALTS = "halts"
    OPERATIONS = "operations"


PERMISSIONS: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        Role.READER: ("clients:read",),
        Role.CLIENT_ADMINISTRATOR: (
            "clients:read",
            "clients:suspend",
            "clients:write",
            "keys:write",
            "limits:write",
        ),
        Role.TRANSFERS: ("clients:read", "transfers:write"),
        Role.HALTS: ("clients:suspend", "instruments:write"),
        Role.OPERATIONS: (
            "clearing:write",
            "clients:read",
            "execution:write",
            "settlement:write",
        ),
    }
)
ALL_ROLES = tuple(Role)


def permissions_of(roles: Iterable[Role]) -> tuple[str, ...]:
    """Everything that the roles permit together, in the order of the alphabet."""
    return tuple(sorted({each for role in roles for each in PERMISSIONS[role]}))
