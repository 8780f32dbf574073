"""How we call AWS."""

from botocore.config import Config

# A call that hangs must end, with a retry left, before the function that waits for it does.
CLIENT_CONFIG = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "max_attempts": 2})
