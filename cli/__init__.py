"""The command line of clients and administrators: everything it does goes through the API, as for
any other program.
"""

import local  # noqa: F401  (puts the layers on the path, as Lambda does)
