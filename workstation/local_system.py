"""The local system: its directory, port, files and environment variables."""

import fcntl
import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
ACCOUNT = "000000000000"
STAGE = "dev"


class LocalError(Exception):
    """Something went wrong on this machine. `remedy` tells the user what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class LocalSystem:
    """A local system. It keeps everything under `directory` and listens on `port`."""

    directory: Path
    port: int

    @property
    def endpoint(self) -> str:
        """The address of the local AWS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of pages that the local AWS itself serves."""
        return (f"http://localhost:{self.port}", self.endpoint)

    @property
    def state(self) -> Path:
        """The state, which a clean start deletes."""
        return self.directory / "state"

    @property
    def scratch(self) -> Path:
        """Where the local AWS unpacks functions and layers. Each start and stop empties it."""
        return self.directory / "scratch"

    @property
    def pid_file(self) -> Path:
        """Holds the process id of the local AWS, which keeps the file locked while it lives."""
        return self.directory / "aws.pid"

    @property
    def aws_log(self) -> Path:
        """The log of the local AWS, with the output of the functions."""
        return self.directory / "aws.log"

    @property
    def deploy_log(self) -> Path:
        """The full output of the layer build and of the CDK."""
        return self.directory / "deploy.log"

    @property
    def outputs_file(self) -> Path:
        """The outputs of the stacks, as the CDK writes them."""
        return self.state / "outputs.json"

    @property
    def credentials_file(self) -> Path:
        """The API keys and secrets of the demo clients (mode 0600)."""
        return self.state / "credentials.json"

    @property
    def profiles_file(self) -> Path:
        """The profiles of the demo clients for the command line (mode 0600)."""
        return self.state / "profiles.json"

    @property
    def pid(self) -> int | None:
        """The process id of the local AWS, or None if nobody holds the lock on its file."""
        try:
            with self.pid_file.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read())
        except FileNotFoundError:
            return None
        return None

    @property
    def is_running(self) -> bool:
        """Whether the local AWS of this system runs. Another program may hold the port."""
        return self.pid is not None

    def aws_environment(self) -> dict[str, str]:
        """Return the variables that point an AWS SDK or the CDK at the local AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def tool_environment(self) -> dict[str, str]:
        """Return the environment of a child process that uses the local AWS.

        The tools of the virtual environment come first on its path.
        """
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**inherited, **self.aws_environment(), "PATH": path}


def default_system() -> LocalSystem:
    """Return the local system of TRADING_PORT and TRADING_LOCAL_DIR, or the default one."""
    port = os.environ.get("TRADING_PORT", "4566")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise LocalError(
            f"TRADING_PORT={port} is not a port", "Set it to a free port, e.g. TRADING_PORT=4567."
        )
    return LocalSystem(
        Path(os.environ.get("TRADING_LOCAL_DIR", ROOT / ".local")).resolve(), int(port)
    )
