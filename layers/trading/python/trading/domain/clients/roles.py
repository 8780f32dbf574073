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
    OPERATOR_ADMINISTRATOR = "operator-administrator"


PERMISSIONS: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        Role.READER: ("clients:read", "proposals:read", "venues:read"),
        Role.CLIENT_ADMINISTRATOR: (
            "clients:read",
            "clients:suspend",
            "clients:write",
            "keys:write",
            "limits:write",
            "proposals:decide",
            "proposals:read",
        ),
        Role.TRANSFERS: (
            "clients:read",
            "proposals:decide",
            "proposals:read",
            "transfers:write",
        ),
        Role.HALTS: ("clients:suspend", "instruments:write", "venues:disable", "venues:read"),
        Role.OPERATIONS: (
            "clearing:write",
            "clients:read",
            "execution:write",
            "settlement:write",
        ),
        Role.OPERATOR_ADMINISTRATOR: (
            "operators:read",
            "operators:write",
            "venues:disable",
            "venues:enable",
            "venues:read",
        ),
    }
)
ALL_ROLES = tuple(Role)
LOOK = "look"
"""What the audit log calls a look at a client. Looks are many, so they are listed apart."""


def permissions_of(roles: Iterable[Role]) -> tuple[str, ...]:
    """Everything that the roles permit together, in the order of the alphabet."""
    return tuple(sorted({each for role in roles for each in PERMISSIONS[role]}))
