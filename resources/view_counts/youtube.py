"""Lifetime view counts from the YouTube Data API v3 (`videos.list`, part `statistics`)."""

import asyncio
import ipaddress
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Self, cast
from urllib.parse import urlsplit

import httpx
import tenacity
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from resources.view_counts.source import (
    Fetch,
    InvalidApiKeyError,
    ViewCounts,
    ViewCountSource,
    ViewCountSourceError,
    refuse_large_batch,
)
from resources.view_counts.youtube_answers import (
    API_KEY_VARIABLE,
    MalformedAnswerError,
    PassingFaultError,
    counts_of,
    fault_of,
)

_LOG = logging.getLogger(__name__)

_LARGEST_ANSWER = 1 << 20
_KEY = re.compile(r"[!-~]+")
# A comma would cut one id into two; an id that no URL can carry is one that YouTube cannot know.
_ASKABLE_ID = re.compile(r"[!-+\--~]{1,64}")

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class YouTubeViewCounts(BaseModel, ViewCountSource):
    """Asks YouTube, with time-outs and retries; one call costs one unit of the daily quota.

    The key is read where the source is built, on the driver, and travels with the source to the
    tasks: workers of a cluster have no environment of ours. It is sent as a header, because URLs
    end up in logs and exceptions, and no text that leaves this class holds it.

    Raises:
        pydantic.ValidationError: a value is out of its range, or `base_url` would send the key
            unencrypted to another machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api_key: SecretStr = Field(description="key of the YouTube Data API v3")
    base_url: str = Field(
        "https://www.googleapis.com/youtube/v3", description="where the API, or a proxy, listens"
    )
    batch_size: int = Field(50, ge=1, le=50, description="most ids that one call may ask for")
    connect_seconds: Seconds = Field(5.0, description="longest wait for a connection")
    read_seconds: Seconds = Field(10.0, description="longest silence within an answer")
    request_seconds: Seconds = Field(30.0, description="longest time for one whole answer")
    max_tries: int = Field(6, ge=1, le=100, description="most tries for one batch")
    max_malformed_tries: int = Field(
        3, ge=1, description="most tries for one batch that is answered with garbage"
    )
    max_seconds: Seconds = Field(
        180.0, description="no new try for a batch after this time, waits included"
    )
    first_wait: Seconds = Field(1.0, description="seconds before the second try; doubles each time")
    max_wait: Seconds = Field(
        60.0, description="longest wait between two tries, also when YouTube asks for more"
    )

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, **settings: Any
    ) -> Self:
        """The source with the key from YOUTUBE_API_KEY, read now.

        Args:
            environment: where to look; the process's own by default.
            settings: the other fields.

        Raises:
            InvalidApiKeyError: the variable is not set.
        """
        key = (os.environ if environment is None else environment).get(API_KEY_VARIABLE, "")
        if not key.strip():
            raise InvalidApiKeyError(
                f"{API_KEY_VARIABLE} is not set: create an API key in the Google Cloud console "
                "(APIs & Services, Credentials), enable the YouTube Data API v3 for its project, "
                f"and export it as {API_KEY_VARIABLE} where Dagster runs"
            )
        return cls(api_key=SecretStr(key), **settings)

    @field_validator("api_key")
    @classmethod
    def _key_fits_in_a_header(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value().strip()
        if not _KEY.fullmatch(text):
            raise ValueError(
                f"the API key is empty or holds blanks or other characters that no key has: set "
                f"{API_KEY_VARIABLE} to the key alone"
            )
        return SecretStr(text)

    @field_validator("base_url")
    @classmethod
    def _keeps_the_key_private(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must be an http(s) URL, as https://host/youtube/v3")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url must hold no credentials, query or fragment")
        if parts.scheme == "http" and not _is_this_machine(parts.hostname):
            raise ValueError(
                "base_url must be https: plain http would send the API key readable over the "
                "network (it is allowed to this machine only)"
            )
        return url.rstrip("/")

    def fetch(self, video_ids: Sequence[str]) -> ViewCounts:
        """Lifetime views by id, as `ViewCountSource.fetch`, over a connection of its own.

        Raises:
            ValueError: there are more ids than `batch_size`.
            QuotaExceededError: the daily quota is used up.
            InvalidApiKeyError: YouTube refuses the key.
            ViewCountSourceError: YouTube refuses the call, or answered none of the tries.
        """
        with self.session() as fetch:
            return fetch(video_ids)

    @contextmanager
    def session(self) -> Iterator[Fetch]:
        """Yields a `fetch` whose calls share one connection."""
        timeout = httpx.Timeout(self.read_seconds, connect=self.connect_seconds)
        # A few bytes can unpack to gigabytes: answers come as they are, or are refused.
        headers = {"X-goog-api-key": self.api_key.get_secret_value(), "Accept-Encoding": "identity"}
        # Only a cancelled task ends a call whose connection, headers or body drip.
        with asyncio.Runner() as runner:
            client = httpx.AsyncClient(headers=headers, timeout=timeout)
            try:
                yield partial(self._fetch, lambda asked: runner.run(self._ask_once(client, asked)))
            finally:
                runner.run(client.aclose())

    def _fetch(self, ask: Fetch, video_ids: Sequence[str]) -> ViewCounts:
        refuse_large_batch(video_ids, self.batch_size)
        asked = list(dict.fromkeys(filter(_ASKABLE_ID.fullmatch, video_ids)))
        if not asked:
            return {}
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(PassingFaultError),
            stop=self._is_over,
            wait=self._wait,
            before_sleep=tenacity.before_sleep_log(_LOG, logging.INFO),
            reraise=True,
        )
        try:
            return tries(ask, asked)
        except PassingFaultError as fault:
            raise ViewCountSourceError(
                f"{self.base_url}: gave up after {tries.statistics['attempt_number']} tries, the "
                f"last: {fault}. {fault.remedy}",
                status=fault.status,
                reason=fault.reason,
            ) from None

    async def _ask_once(self, client: httpx.AsyncClient, asked: Sequence[str]) -> ViewCounts:
        parameters = {
            "part": "statistics",
            "id": ",".join(asked),
            "fields": "items(id,statistics/viewCount)",
        }
        try:
            async with (
                asyncio.timeout(self.request_seconds),
                client.stream("GET", f"{self.base_url}/videos", params=parameters) as response,
            ):
                body = await _body(response)
        except TimeoutError:
            raise PassingFaultError(
                f"no whole answer within {self.request_seconds:g} s (request_seconds)"
            ) from None
        except httpx.TransportError as error:
            raise PassingFaultError(f"no answer: {type(error).__name__} {error}".rstrip()) from None
        # A server may repeat the key, and what it says ends in logs.
        body = body.replace(self.api_key.get_secret_value().encode(), b"***")
        if response.status_code != HTTPStatus.OK:
            raise fault_of(response.status_code, body, response.headers.get("Retry-After"))
        return counts_of(body, asked)

    def _is_over(self, state: tenacity.RetryCallState) -> bool:
        is_malformed = isinstance(_fault(state), MalformedAnswerError)
        tries = min(self.max_tries, self.max_malformed_tries) if is_malformed else self.max_tries
        late = tenacity.stop_before_delay(self.max_seconds)
        return state.attempt_number >= tries or late(state)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        backoff = tenacity.wait_exponential_jitter(
            multiplier=self.first_wait, max=self.max_wait, jitter=self.first_wait
        )
        return min(self.max_wait, max(backoff(state), _fault(state).retry_after or 0.0))


async def _body(response: httpx.Response) -> bytes:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity" and response.status_code == HTTPStatus.OK:
        raise MalformedAnswerError("is packed, which was not asked for, and cannot be decompressed")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise MalformedAnswerError(f"is longer than {_LARGEST_ANSWER} bytes")
    return bytes(body)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fault(state: tenacity.RetryCallState) -> PassingFaultError:
    """Why the try failed: tenacity asks after a fault only."""
    return cast("PassingFaultError", state.outcome and state.outcome.exception())
