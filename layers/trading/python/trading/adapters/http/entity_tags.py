"""Conditional requests: an answer's entity tag, and 304 for one that the caller already has (RFC
9110, 13.1.2).
"""

import hashlib
from http import HTTPStatus
from typing import Any

ANY = "*"


def revalidated(answer: dict[str, Any], if_none_match: str | None) -> dict[str, Any]:
    """A successful proxy answer with its ETag; without its body if `if_none_match` names it.

    The tag is a digest of the body, so it is computed after the read, always fresh. A cache of the
    caller's own may keep the answer as long as it asks before each use.
    """
    tag = f'"{hashlib.sha256(answer["body"].encode()).hexdigest()[:32]}"'
    headers = answer["multiValueHeaders"] | {"ETag": [tag], "Cache-Control": ["private, no-cache"]}
    if not _names(if_none_match or "", tag):
        return answer | {"multiValueHeaders": headers}
    headers.pop("Content-Type", None)
    return answer | {
        "statusCode": int(HTTPStatus.NOT_MODIFIED),
        "body": "",
        "multiValueHeaders": headers,
    }


def _names(if_none_match: str, tag: str) -> bool:
    """Weak comparison: a proxy that compresses may have made our tag a weak one."""
    candidates = {candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")}
    return ANY in candidates or tag in candidates
