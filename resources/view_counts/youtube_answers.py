"""What an answer of the YouTube Data API means: counts, a passing fault, or a final refusal.

Error format: https://developers.google.com/youtube/v3/docs/errors. The newer form, with a daily
quota reported as 429 rateLimitExceeded, is https://cloud.google.com/apis/design/errors.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from resources.view_counts.source import (
    InvalidApiKeyError,
    QuotaExceededError,
    ViewCounts,
    ViewCountSourceError,
)

API_KEY_VARIABLE = "YOUTUBE_API_KEY"

_PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
_PASSING_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_QUOTA_REASONS = frozenset({"quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"})
_KEY_REASONS = frozenset(
    {
        "keyInvalid",
        "keyExpired",
        "accessNotConfigured",
        "ipRefererBlocked",
        "API_KEY_INVALID",
        "SERVICE_DISABLED",
    }
)
_DAILY_LIMIT = re.compile(r"\bper day\b", re.IGNORECASE)
_API_KEY = re.compile(r"\bAPI key\b", re.IGNORECASE)
_DECIMAL = re.compile(r"[0-9]+")
_MARKUP = re.compile(r"<[^>]*>")
_LARGEST_COUNT = 2**63 - 1
_SHOWN_CHARACTERS = 200


class PassingFaultError(Exception):
    """A call failed in a way that may be gone at the next try.

    Attributes:
        status: HTTP status, None when no answer came.
        reason: the API's name for the fault, empty when it gave none.
        retry_after: seconds that the API asks to wait, None when it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Say what happened, without advice: whoever gives up adds it."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class MalformedAnswerError(PassingFaultError):
    """An answer of status 200 is not what the API promises."""

    def __init__(self, message: str) -> None:
        """Say what is wrong with the answer."""
        super().__init__(message, status=HTTPStatus.OK)


class _Refusal(NamedTuple):
    status: int
    reasons: tuple[str, ...]
    message: str

    @property
    def reason(self) -> str:
        return self.reasons[0] if self.reasons else ""

    def __str__(self) -> str:
        named = f"{self.status} {self.reason}".rstrip()
        return f"{named}: {self.message}" if self.message else named

    def has(self, reasons: Collection[str]) -> bool:
        return not set(reasons).isdisjoint(self.reasons)


def counts_of(body: bytes, asked: Collection[str]) -> ViewCounts:
    """Lifetime views by id in the body of a `videos.list` answer of status 200.

    Args:
        body: the answer as received.
        asked: the ids of the call.

    Raises:
        MalformedAnswerError: it is no JSON, has another shape, holds a video twice or one that was
            not asked for, or a count that is no decimal integer of up to 63 bits.
    """
    counts: dict[str, int | None] = {}
    for item in _items(body):
        video_id, count = _counted(item)
        if video_id not in asked:
            raise MalformedAnswerError(f"holds {_shown(video_id)}, which was not asked for")
        if video_id in counts:
            raise MalformedAnswerError(f"holds {_shown(video_id)} twice")
        counts[video_id] = count
    return counts


def fault_of(
    status: int, body: bytes, retry_after: str | None = None
) -> PassingFaultError | ViewCountSourceError:
    """The exception that an answer of any status but 200 stands for.

    Args:
        status: HTTP status.
        body: the answer as received; need not be JSON.
        retry_after: the `Retry-After` header.
    """
    refusal = _refusal(status, body)
    if refusal.has(_QUOTA_REASONS) or _is_daily_limit(refusal):
        return QuotaExceededError(
            f"YouTube answers no more calls today, the quota is used up ({refusal}). It is renewed "
            "at midnight Pacific time: run again then, or raise the quota in the Google Cloud "
            "console (APIs & Services, YouTube Data API v3, Quotas)",
            status=status,
            reason=refusal.reason,
        )
    if status in _PASSING_STATUS or refusal.has(_PASSING_REASONS):
        return PassingFaultError(
            f"YouTube answered {refusal}",
            status=status,
            reason=refusal.reason,
            retry_after=_seconds(retry_after),
        )
    if _is_about_the_key(refusal):
        return InvalidApiKeyError(
            f"YouTube refuses the API key ({refusal}). Set {API_KEY_VARIABLE} to a key of a Google "
            "Cloud project that has the YouTube Data API v3 enabled, and whose restrictions let "
            "this machine in",
            status=status,
            reason=refusal.reason,
        )
    return ViewCountSourceError(
        f"YouTube refused the call ({refusal}). Check base_url, and the reason at "
        "https://developers.google.com/youtube/v3/docs/errors",
        status=status,
        reason=refusal.reason,
    )


def _items(body: bytes) -> list[Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedAnswerError(f"is no JSON: {_shown(body)}") from None
    # With `fields`, an answer without any video may come as an object without any field.
    items = [] if answer == {} else answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise MalformedAnswerError(f"has no list of items: {_shown(body)}")
    return items


def _counted(item: object) -> tuple[str, int | None]:
    video_id = item.get("id") if isinstance(item, dict) else None
    statistics = item.get("statistics", {}) if isinstance(item, dict) else None
    if not isinstance(video_id, str) or not isinstance(statistics, dict):
        raise MalformedAnswerError(f"holds an item without id or statistics: {_shown(item)}")
    if "viewCount" not in statistics:
        return video_id, None
    return video_id, _count(video_id, statistics["viewCount"])


def _count(video_id: str, value: object) -> int:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if is_integer else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise MalformedAnswerError(
            f"counts {_shown(value)} views of {_shown(video_id)}, which is no decimal integer"
        )
    if len(text) > len(str(_LARGEST_COUNT)) or int(text) > _LARGEST_COUNT:
        raise MalformedAnswerError(
            f"counts {_shown(value)} views of {_shown(video_id)}, more than 63 bits hold"
        )
    return int(text)


def _refusal(status: int, body: bytes) -> _Refusal:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _Refusal(status, (), "")
    error = _mapping(_mapping(answer).get("error"))
    entries = [*_mappings(error.get("errors")), *_mappings(error.get("details"))]
    reasons = (entry.get("reason") for entry in entries)
    return _Refusal(
        status,
        tuple(_plain(reason) for reason in reasons if isinstance(reason, str)),
        _plain(error.get("message", "")),
    )


def _is_daily_limit(refusal: _Refusal) -> bool:
    return refusal.status == HTTPStatus.TOO_MANY_REQUESTS and bool(
        _DAILY_LIMIT.search(refusal.message)
    )


def _is_about_the_key(refusal: _Refusal) -> bool:
    if refusal.status == HTTPStatus.UNAUTHORIZED or refusal.has(_KEY_REASONS):
        return True
    may_be = refusal.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)
    return may_be and bool(_API_KEY.search(refusal.message))


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3): a number, or a date."""
    if retry_after is None:
        return None
    if _DECIMAL.fullmatch(retry_after.strip()):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (utc - datetime.now(UTC)).total_seconds())


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> Iterable[Mapping[str, Any]]:
    return [_mapping(entry) for entry in value] if isinstance(value, list) else []


def _plain(text: object) -> str:
    without_markup = _MARKUP.sub("", str(text))
    return " ".join(without_markup.split())[:_SHOWN_CHARACTERS]


def _shown(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return repr(text)[:_SHOWN_CHARACTERS]
