"""Writes the profiles of the demo clients for the command line."""

from collections.abc import Mapping
from pathlib import Path

from local.api import Credentials
from local.demo import SERVICE_ID
from workstation.profiles import Profile, Profiles


def write(
    path: Path,
    name: str,
    public_url: str,
    internal_url: str,
    credentials: Mapping[str, Credentials],
) -> None:
    """Write a profile file, mode 0600.

    The first client gets `name`, others `name-bob` and the like, the internal service `name-admin`.
    """
    profiles: dict[str, Profile] = {}
    for client_id, secret in credentials.items():
        is_admin = client_id == SERVICE_ID
        suffix = "-admin" if is_admin else f"-{client_id}" if profiles else ""
        profiles[name + suffix] = Profile(
            url=public_url,
            api_key=secret.api_key,
            api_secret=secret.api_secret,
            client_id=None if is_admin else client_id,
            admin_url=internal_url if is_admin else None,
        )
    Profiles(profiles=profiles).write(path)
