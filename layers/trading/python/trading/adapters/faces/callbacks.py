"""The answers to the callbacks of exchanges. What an exchange sends is a wire format:
`trading.wire`.
"""

from typing import Literal

from trading.domain.values import Frozen


class Accepted(Frozen):
    """The report is stored durably."""

    status: Literal["accepted"] = "accepted"
