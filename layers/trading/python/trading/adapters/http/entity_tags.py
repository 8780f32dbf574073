"""Conditional requests: the entity tag of an answer, and 304 if the caller already has the answer
(RFC 9110, 13.1.2).
"""

import hashlib
from http import HTTPStatus
from typing import Any

ANY = "*"


def revalidated(answer: dict[str, Any], if_none_match: str | None) -> dict[str, Any]:
    """A successful proxy answer with its ETag. If `if_none_match` names the tag, the answer is 304
    without a body.

    The tag is a digest of the body, so it follows from a fresh read. A private cache may keep the
    answer if it revalidates before each use.
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
    """Weak comparison: a proxy that compresses may have weakened the tag."""
    candidates = {candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")}
    return ANY in candidates or tag in candidates


def without_body(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to HEAD: the headers of GET, with the length of its body (RFC 9110, 9.3.2)."""
    length = [str(len(answer["body"].encode()))]
    headers = answer["multiValueHeaders"] | ({"Content-Length": length} if answer["body"] else {})
    return answer | {"body": "", "multiValueHeaders": headers}
