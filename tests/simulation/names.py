"""The names of the simulated deployment."""

from decimal import Decimal

from trading.adapters.dynamodb.tables import TableNames

STAGE = "sim"
TABLE_NAMES = TableNames(**{name: f"{STAGE}-{name}" for name in TableNames.__dataclass_fields__})
TRANSFER_APPROVAL_ABOVE = Decimal("20000.00")
"""What one operator moves alone in the simulated deployment."""
