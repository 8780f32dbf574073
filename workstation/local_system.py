"""Where the local system lives: its directory, its port, its environment."""

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
    """Something went wrong; `remedy` says what the user can do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True)
class LocalSystem:
    """One local system: everything it keeps is under `directory`, it answers on `port`."""

    directory: Path
    port: int

    @property
    def endpoint(self) -> str:
        """The address of the local AWS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Path:
        """What a clean start throws away."""
        return self.directory / "state"

    @property
    def scratch(self) -> Path:
        """Where the local AWS unpacks functions and layers, anew for every worker; emptied at each
        start and stop.
        """
        return self.directory / "scratch"

    @property
    def pid_file(self) -> Path:
        """Holds the process id of the local AWS."""
        return self.directory / "aws.pid"

    @property
    def aws_log(self) -> Path:
        """The local AWS's log; the Lambda functions' output is in it."""
        return self.directory / "aws.log"

    @property
    def deploy_log(self) -> Path:
        """Full output of building the layers and of the CDK."""
        return self.directory / "deploy.log"

    @property
    def outputs_file(self) -> Path:
        """The stacks' outputs, as the CDK writes them."""
        return self.state / "outputs.json"

    @property
    def credentials_file(self) -> Path:
        """API keys and secrets of the demo clients (mode 0600)."""
        return self.state / "credentials.json"

    @property
    def profiles_file(self) -> Path:
        """The demo clients' profiles for the command line (mode 0600)."""
        return self.state / "profiles.json"

    @property
    def pid(self) -> int | None:
        """The process id of the local AWS while it lives: it holds a lock on the file that names
        it.
        """
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
        """Whether this system's own local AWS is up, whatever else may hold the port."""
        return self.pid is not None

    def aws_environment(self) -> dict[str, str]:
        """What points an AWS SDK, or the CDK, at the local AWS. The credentials are dummies."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def tool_environment(self) -> dict[str, str]:
        """`aws_environment` for child processes, with the tools of the virtual environment first on
        the path.
        """
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**inherited, **self.aws_environment(), "PATH": path}


def default_system() -> LocalSystem:
    """The user's local system. TRADING_PORT and TRADING_LOCAL_DIR move it."""
    port = os.environ.get("TRADING_PORT", "4566")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise LocalError(
            f"TRADING_PORT={port} is not a port", "Set it to a free port, e.g. TRADING_PORT=4567."
        )
    return LocalSystem(
        Path(os.environ.get("TRADING_LOCAL_DIR", ROOT / ".local")).resolve(), int(port)
    )
