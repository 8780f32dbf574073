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
PUBLIC_KEY = (
    r"-----BEGIN PUBLIC KEY-----\r?\n"
    r"MCowBQYDK2VwAyEA[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\r?\n"
    r"-----END PUBLIC KEY-----(\r?\n)?"
)
"""A public key of Ed25519 in PEM (RFC 8410): all of them begin alike, and 32 bytes follow."""
TOTP_CODE = r"[0-9]{6}"
"""What an authenticator shows."""
RECOVERY_CODE = r"[a-z2-7]{4}(-[a-z2-7]{4}){3}"
NONCE = r"[A-Za-z0-9._~:+/=-]{16,64}"
"""What makes a signature unique for its API key."""
NONCE_CHARACTERS = "16 to 64 characters of A-Z a-z 0-9 . _ ~ : + / = -"
REPORT_KEY = r"[ -~]{1,1024}"
"""The idempotency key of an exchange's report. An execution id may have any character."""
CORRELATION_ID = r"[A-Za-z0-9._:-]{1,64}"
PATH_ID = r"[A-Za-z0-9._:#-]+"
MOMENT = r"(19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)"
"""ISO 8601 with an offset."""
_FORBIDDEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""Control characters, line and paragraph separators, and what reorders the text around it."""
_INVISIBLE = (
    r"\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""White space, and characters without a shape of their own."""
FREE_TEXT = rf"[^{_FORBIDDEN}]*[^{_FORBIDDEN}{_INVISIBLE}][^{_FORBIDDEN}]*"
"""What an operator writes for people: one line, with at least one visible character."""


def whole(pattern: str) -> str:
    """The pattern for the whole of a text, as JSON Schema writes it."""
    return f"^{pattern}$"
