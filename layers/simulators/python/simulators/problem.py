"""The refusals of a simulated venue (RFC 9457)."""


class Problem(Exception):
    """A refusal. `code` is stable. `detail` is safe to show to the caller."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
