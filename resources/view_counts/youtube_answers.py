"""What an answer of the YouTube Data API means: counts, a passing fault, or a final refusal.

Error format: https://developers.google.com/youtube/v3/docs/errors. The newer form, with a daily
quota reported as 429 rateLimitExceeded, is https://cloud.google.com/apis/design/errors.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Self

from pydantic import BaseModel, StrictStr, ValidationError, model_validator

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
_KEY_REASONS = frozenset({"keyInvalid", "keyExpired", "accessNotConfigured", "ipRefererBlocked"})
_KEY_REASONS |= {"API_KEY_INVALID", "SERVICE_DISABLED"}
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
        remedy: what to do when it stays so.
    """

    remedy = (
        "Run again later; if it stays so, see that this machine reaches the API, lower the calls "
        "in flight, or raise max_tries and max_seconds"
    )

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Say what happened, without the remedy: whoever gives up adds it."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class MalformedAnswerError(PassingFaultError):
    """An answer of status 200 is not what the API promises."""

    remedy = "See that base_url is the YouTube Data API v3, and what a proxy makes of its answers"

    def __init__(self, message: str) -> None:
        """Say what is wrong with the answer."""
        super().__init__(f"the answer {message}", status=HTTPStatus.OK)


class _Video(BaseModel):
    id: StrictStr
    statistics: Mapping[StrictStr, object] = {}

    @model_validator(mode="after")
    def _count_is_an_integer_of_63_bits(self) -> Self:
        count = self.statistics.get("viewCount", 0)
        text = str(count) if type(count) is int else count
        counted = f"counts {_shown(count)} views of {_shown(self.id)}"
        if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
            raise ValueError(f"{counted}, which is no decimal integer")
        if len(text) > len(str(_LARGEST_COUNT)) or int(text) > _LARGEST_COUNT:
            raise ValueError(f"{counted}, more than 63 bits hold")
        return self

    @property
    def views(self) -> int | None:
        """Lifetime views; None when the owner hides them."""
        return int(str(self.statistics["viewCount"])) if "viewCount" in self.statistics else None


class _Videos(BaseModel):
    items: list[_Video]


class _Reason(BaseModel):
    reason: str = ""


class _Error(BaseModel):
    message: str | None = None
    errors: list[_Reason] = []
    details: list[_Reason] = []


class _Refusal(BaseModel):
    error: _Error = _Error()

    @property
    def reasons(self) -> list[str]:
        """The API's names for the refusal, the first one first."""
        entries = (*self.error.errors, *self.error.details)
        return [_plain(entry.reason) for entry in entries if entry.reason]

    @property
    def message(self) -> str:
        """What the API says, without markup."""
        return _plain(self.error.message or "")


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
    for video in _videos(body):
        if video.id not in asked:
            raise MalformedAnswerError(f"holds {_shown(video.id)}, which was not asked for")
        if video.id in counts:
            raise MalformedAnswerError(f"holds {_shown(video.id)} twice")
        counts[video.id] = video.views
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
    try:
        refusal = _Refusal.model_validate_json(body)
    except ValidationError:
        refusal = _Refusal()
    reasons, message = set(refusal.reasons), refusal.message
    reason = next(iter(refusal.reasons), "")
    said = f"{status} {reason}".rstrip() + (f": {message}" if message else "")
    is_daily_limit = status == HTTPStatus.TOO_MANY_REQUESTS and _DAILY_LIMIT.search(message)
    if reasons & _QUOTA_REASONS or is_daily_limit:
        return QuotaExceededError(
            f"YouTube answers no more calls today, the quota is used up ({said}). It is renewed "
            "at midnight Pacific time: run again then, or raise the quota in the Google Cloud "
            "console (APIs & Services, YouTube Data API v3, Quotas)",
            status=status,
            reason=reason,
        )
    if status in _PASSING_STATUS or reasons & _PASSING_REASONS:
        seconds = _seconds(retry_after)
        said = f"YouTube answered {said}"
        return PassingFaultError(said, status=status, reason=reason, retry_after=seconds)
    may_be_the_key = status in (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)
    is_the_key = status == HTTPStatus.UNAUTHORIZED or reasons & _KEY_REASONS
    if is_the_key or (may_be_the_key and _API_KEY.search(message)):
        return InvalidApiKeyError(
            f"YouTube refuses the API key ({said}). Set {API_KEY_VARIABLE} to a key of a Google "
            "Cloud project that has the YouTube Data API v3 enabled, and whose restrictions let "
            "this machine in",
            status=status,
            reason=reason,
        )
    return ViewCountSourceError(
        f"YouTube refused the call ({said}). Check base_url, and the reason at "
        "https://developers.google.com/youtube/v3/docs/errors",
        status=status,
        reason=reason,
    )


def _videos(body: bytes) -> list[_Video]:
    try:
        return _Videos.model_validate_json(body).items
    except ValidationError as invalid:
        first = invalid.errors()[0]
    if first["input"] == {} and first["loc"] == ("items",):
        return []  # with `fields`, an answer without any video may have no field at all
    if first["type"] == "json_invalid":
        raise MalformedAnswerError(f"is no JSON: {_shown(body)}")
    if first["type"] == "value_error":
        raise MalformedAnswerError(str(first["ctx"]["error"]))
    if len(first["loc"]) < len(("items", 0)):
        raise MalformedAnswerError(f"has no list of items: {_shown(body)}")
    raise MalformedAnswerError(f"holds an item without id or statistics: {_shown(first['input'])}")


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


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub("", text).split())[:_SHOWN_CHARACTERS]


def _shown(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return repr(text)[:_SHOWN_CHARACTERS]
