"""How we call AWS: botocore's standard retries, which pause with jitter and have a budget of their
own for each client.
"""

import os

from botocore.config import Config

VALIDATES = os.environ.get("STAGE") != "prod"
"""Whether botocore validates each request by the service's model. The service validates it too.

It finds programming errors, so tests and all stages but production have it. It takes a twentieth of
the processor time of a call.
"""
CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    parameter_validation=VALIDATES,
)
"""Both tries of a call that hangs end before the shortest function that waits for it.
docs/reference/timeouts.md has the sums.
"""

DISPENSABLE_CONFIG = Config(
    connect_timeout=0.5,
    read_timeout=1,
    retries={"total_max_attempts": 1},
    parameter_validation=VALIDATES,
)
"""For what we do without when it does not answer: it must not take the time of what it is to
protect.
"""
