"""The operator's command line: what is stuck, what failed, and what to do about it."""

import workstation  # noqa: F401  (puts the layers on the path, as Lambda does)
