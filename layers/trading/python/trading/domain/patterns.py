"""The written forms of symbols and identifiers, as regular expressions without anchors."""

SYMBOL = r"[A-Z][A-Z0-9.]{0,11}"
NAME = r"[A-Za-z0-9_-]{1,64}"
"""A client id, an API key or a settlement account."""
NEW_CLIENT_ID = r"[A-Za-z0-9_-]{1,30}"
ORDER_ID = r"ord_[0-9a-f]{32}"
ENTRY_SORT_KEY = r"\d{4}-\d\d-\d\dT[0-9:.]{15}Z#[A-Za-z0-9_]{1,64}#[A-Z_]{1,16}"
"""Where a ledger entry stands among its client's: time, trade id and kind."""
PAYMENT_REFERENCE = r"[A-Za-z0-9._:/-]{1,64}"
IDEMPOTENCY_KEY = r"[A-Za-z0-9._:-]{1,128}"
CORRELATION_ID = r"[A-Za-z0-9._:-]{1,64}"
PATH_ID = r"[A-Za-z0-9._:#-]+"
MOMENT = r"(19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"
"""ISO 8601 with an offset."""


def whole(pattern: str) -> str:
    """The pattern for the whole of a text, as JSON Schema writes it."""
    return f"^{pattern}$"
