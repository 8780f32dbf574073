"""The operator's command line: it finds what is stuck or has failed, and repairs it."""

import workstation  # noqa: F401  (puts the layers on the path, as Lambda does)
