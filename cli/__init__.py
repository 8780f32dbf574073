"""The command line of clients and administrators: everything it does goes through the API, as for
any other program.
"""

import workstation  # noqa: F401  (puts the layers on the path, as Lambda does)
