"""The demo clients' profiles for the command line: where their deployment's APIs are, and their
credentials.
"""

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
    """`name` is the first demo client's, `name-bob` another's, `name-admin` the internal service's.
    Mode 0600.
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
