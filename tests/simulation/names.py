"""The names of the simulated deployment."""

from trading.adapters.dynamodb.tables import TableNames

STAGE = "sim"
TABLE_NAMES = TableNames(**{name: f"{STAGE}-{name}" for name in TableNames.__dataclass_fields__})
