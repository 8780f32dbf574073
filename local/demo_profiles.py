"""Writes the profiles of the demo clients for the command line."""

from collections.abc import Mapping
from pathlib import Path

from local.api import Credentials
from local.demo import OPERATORS, SERVICE_ID
from workstation.profiles import Profile, Profiles


def write(
    path: Path,
    name: str,
    public_url: str,
    internal_url: str,
    stream_url: str,
    credentials: Mapping[str, Credentials],
) -> None:
    """Write a profile file, mode 0600.

    The first client gets `name`, others `name-bob` and the like. The operator with all roles gets
    `name-admin`, others `name-reader` and the like.
    """
    profiles: dict[str, Profile] = {}
    for client_id, secret in credentials.items():
        is_operator = client_id in OPERATORS
        own = "admin" if client_id == SERVICE_ID else client_id
        suffix = f"-{own}" if profiles or is_operator else ""
        profiles[name + suffix] = Profile(
            url=public_url,
            api_key=secret.api_key,
            api_secret=secret.api_secret,
            client_id=None if is_operator else client_id,
            admin_url=internal_url if is_operator else None,
            stream_url=None if is_operator else stream_url,
            private_key=secret.private_key,
        )
    Profiles(profiles=profiles).write(path)
