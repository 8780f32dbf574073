"""The whole system on this machine: a local AWS, the real deployment, a trading session."""

import workstation  # noqa: F401  (puts the layers on the path, as Lambda does)
