"""Names that the stacks, the functions and the tools have to agree on."""

from trading.domain.clients.credentials import CLIENT_AUDIENCE, INTERNAL_AUDIENCE

EXCHANGES = ("XNYS", "XNAS", "ARCX", "BATS")
DEPOSITORY = "depository"
SIGNING_KEYS = {"clients": CLIENT_AUDIENCE, "operators": INTERNAL_AUDIENCE}
"""Whose tokens each set of signing keys signs."""
SECOND_FACTOR_KEY = "second-factors"
"""The key that the secrets of second factors are derived from."""

ORDER_LIFECYCLE = "order-lifecycle"
WORKFLOW_LOGS = "/aws/vendedlogs/states/"
"""The prefix of the workflows' log groups.

With it, log deliveries to many groups fit into one resource policy of CloudWatch, which is limited
in size.
"""
EXPRESS = "-express"
"""The suffix of an Express workflow's name at AWS.

A workflow whose type changes needs another name.
"""
SETTLEMENT_CYCLE = "settlement-cycle"

MAILBOXES = ("execution", "clearing", "settlement")

LIVE = "live"
"""The alias that production calls each function by."""
PACKAGE_LAYERS = ("dependencies", "signatures")
"""The layers of locked packages: that of all functions, and that of those that check signatures."""
