"""The command line of clients and operators. It uses the public and the internal API only."""

import workstation  # noqa: F401  (puts the layers on the path, as Lambda does)
