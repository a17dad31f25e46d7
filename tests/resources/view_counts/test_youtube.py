import gzip
import logging
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import ValidationError
from pyspark import cloudpickle
from support.youtube_server import API_KEY, Api, Reply, refusal, youtube_server

from resources.view_counts import (
    InvalidApiKeyError,
    QuotaExceededError,
    ViewCountSourceError,
)
from resources.view_counts.youtube import YouTubeViewCounts

PER_DAY = "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service"


@pytest.fixture
def api() -> Iterator[Api]:
    with youtube_server() as server:
        yield server


def items(*entries: dict[str, object]) -> Reply:
    return Reply(body={"items": list(entries)})


def counted(video_id: str, count: object) -> dict[str, object]:
    return {"id": video_id, "statistics": {"viewCount": count}}


def _zeros_of_200_mb() -> Iterator[bytes]:
    """Packed into 200 KB, without ever being whole."""
    packing = zlib.compressobj(wbits=31)
    for _ in range(200):
        yield packing.compress(bytes(1 << 20))
    yield packing.flush()


def failure(api: Api, **settings: object) -> ViewCountSourceError:
    with pytest.raises(ViewCountSourceError) as caught:
        api.source(**settings).fetch(["a"])
    return caught.value


# Answers


def test_counts_are_read_by_id(api: Api) -> None:
    api.counts = {"a": "1", "b": "0"}
    assert api.source().fetch(["b", "a"]) == {"a": 1, "b": 0}


@pytest.mark.parametrize("count", [2**31, 2**32 + 1, 2**53 + 1, 2**63 - 1])
def test_large_counts_are_exact(api: Api, count: int) -> None:
    api.counts = {"a": str(count)}
    assert api.source().fetch(["a"]) == {"a": count}


def test_a_hidden_count_is_none(api: Api) -> None:
    api.counts = {"a": None, "b": "5"}
    assert api.source().fetch(["a", "b"]) == {"a": None, "b": 5}


def test_a_video_without_statistics_is_hidden(api: Api) -> None:
    api.replies.append(items({"id": "a"}))
    assert api.source().fetch(["a"]) == {"a": None}


def test_ids_that_youtube_does_not_return_are_absent(api: Api) -> None:
    api.counts = {"b": "5"}
    assert api.source().fetch(["a", "b", "c"]) == {"b": 5}


@pytest.mark.parametrize("body", [{}, {"items": []}])
def test_an_answer_may_hold_no_video_at_all(api: Api, body: dict[str, object]) -> None:
    api.replies.append(Reply(body=body))
    assert api.source().fetch(["a"]) == {}


def test_the_call_asks_for_statistics_of_all_ids_at_once_with_the_key_in_a_header(api: Api) -> None:
    api.source().fetch([f"id_-{number}" for number in range(50)])
    (call,) = api.calls
    assert call.path == "/youtube/v3/videos"
    assert call.ids == [f"id_-{number}" for number in range(50)]
    assert call.query["part"] == ["statistics"]
    assert call.query["fields"] == ["items(id,statistics/viewCount)"]
    assert set(call.query) == {"part", "fields", "id"}
    assert {name.lower(): value for name, value in call.headers.items()}[
        "x-goog-api-key"
    ] == API_KEY


def test_no_ids_need_no_call(api: Api) -> None:
    assert api.source().fetch([]) == {}
    assert api.calls == []


def test_more_ids_than_a_batch_holds_are_refused_without_a_call(api: Api) -> None:
    with pytest.raises(ValueError, match="asks for 51 videos, but a batch holds at most 50"):
        api.source().fetch([str(number) for number in range(51)])
    assert api.calls == []


def test_ids_that_no_video_can_have_are_left_out_of_the_call(api: Api) -> None:
    api.counts = {"a": "5"}
    assert api.source().fetch(["a", "b,c", "d e", "", "ü", "x" * 65]) == {"a": 5}
    assert api.calls[0].ids == ["a"]


def test_an_id_given_twice_is_asked_once(api: Api) -> None:
    api.counts = {"a": "5"}
    assert api.source().fetch(["a", "a"]) == {"a": 5}
    assert api.calls[0].ids == ["a"]


def test_a_session_makes_many_calls(api: Api) -> None:
    api.counts = {"a": "1", "b": "2"}
    with api.source().session() as fetch:
        assert [fetch(["a"]), fetch(["b"])] == [{"a": 1}, {"b": 2}]


# Passing faults


@pytest.mark.parametrize(
    "fault",
    [
        *[refusal(status, "backendError") for status in (429, 500, 502, 503, 504)],
        Reply(503, b"<html>upstream</html>"),
        refusal(403, "rateLimitExceeded"),
        refusal(403, "userRateLimitExceeded"),
        refusal(429, "rateLimitExceeded", "Quota exceeded for limit 'Queries per minute'"),
        Reply(hang_up=True),
        Reply(body=b"garbage"),
    ],
    ids=lambda reply: f"{reply.status} {reply.content[-60:]!r} {reply.hang_up}",
)
def test_a_passing_fault_is_tried_again(api: Api, fault: Reply) -> None:
    api.counts = {"a": "5"}
    api.replies.extend([fault, fault])
    assert api.source().fetch(["a"]) == {"a": 5}
    assert len(api.calls) == 3


def test_a_fault_that_stays_ends_after_the_tries_with_status_reason_and_advice(api: Api) -> None:
    api.replies.extend([refusal(503, "backendError", "try <b>later</b>")] * 9)
    error = failure(api, max_tries=4)
    assert len(api.calls) == 4
    assert (error.status, error.reason) == (503, "backendError")
    assert "gave up after 4 tries, the last: YouTube answered 503 backendError: try later" in str(
        error
    )
    assert "Run again later" in str(error)


def test_no_try_starts_after_the_longest_time(api: Api) -> None:
    api.replies.extend([refusal(503, "")] * 99)
    started = time.monotonic()
    failure(api, max_tries=99, max_seconds=0.3, first_wait=0.1, max_wait=0.1)
    assert time.monotonic() - started < 0.6
    assert 2 <= len(api.calls) <= 4


def test_waits_grow_with_each_try(api: Api) -> None:
    api.replies.extend([refusal(503, "")] * 3)
    api.source(first_wait=0.05, max_wait=5.0).fetch(["a"])
    waits = [
        later.at - earlier.at for earlier, later in zip(api.calls, api.calls[1:], strict=False)
    ]
    assert all(
        0.05 * 2**number <= wait < 0.05 * 2**number + 0.15 for number, wait in enumerate(waits)
    )


def test_the_next_try_waits_as_long_as_youtube_asks(api: Api) -> None:
    api.replies.append(Reply(429, headers={"Retry-After": "1"}))
    api.source(max_wait=5.0).fetch(["a"])
    assert 1.0 <= api.calls[1].at - api.calls[0].at < 1.5


def test_a_retry_after_may_be_a_date(api: Api) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=2)
    api.replies.append(Reply(503, headers={"Retry-After": format_datetime(moment, usegmt=True)}))
    api.source(max_wait=5.0).fetch(["a"])
    assert 0.5 <= api.calls[1].at - api.calls[0].at < 2.5


@pytest.mark.parametrize("value", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_no_wait_is_longer_than_the_cap(api: Api, value: str) -> None:
    api.replies.append(Reply(429, headers={"Retry-After": value}))
    api.source(max_wait=0.2).fetch(["a"])
    assert 0.2 <= api.calls[1].at - api.calls[0].at < 0.6


def test_an_unreadable_retry_after_is_ignored(api: Api) -> None:
    api.replies.append(Reply(429, headers={"Retry-After": "soon"}))
    api.source().fetch(["a"])
    assert len(api.calls) == 2


# Time-outs


def test_silence_ends_at_the_read_time_out(api: Api) -> None:
    api.replies.append(Reply(delay=0.5))
    started = time.monotonic()
    error = failure(api, read_seconds=0.1, max_tries=1)
    assert time.monotonic() - started < 0.4
    assert "no answer: ReadTimeout" in str(error)


def test_an_answer_that_trickles_ends_at_the_time_for_the_whole(api: Api) -> None:
    api.replies.append(Reply(body=b" " * 100, seconds_per_byte=0.02))
    error = failure(api, request_seconds=0.2, max_tries=1)
    assert "no whole answer within 0.2 s" in str(error)


def test_headers_that_drip_end_at_the_time_for_the_whole(api: Api) -> None:
    api.replies.append(Reply(headers_drip=True, seconds_per_byte=0.02))
    started = time.monotonic()
    error = failure(api, request_seconds=0.3, max_tries=1)
    assert time.monotonic() - started < 2
    assert "no whole answer within 0.3 s" in str(error)


def test_a_session_goes_on_after_an_answer_that_was_cut_off(api: Api) -> None:
    api.counts = {"a": "5"}
    api.replies.append(Reply(headers_drip=True, seconds_per_byte=0.02))
    with api.source(request_seconds=0.3).session() as fetch:
        assert [fetch(["a"]), fetch(["a"])] == [{"a": 5}, {"a": 5}]


@pytest.mark.parametrize("times", [1, 2])
def test_an_answer_of_200_mb_of_zeros_in_200_kb_is_not_unpacked(api: Api, times: int) -> None:
    packed = b"".join(_zeros_of_200_mb())
    for _ in range(times - 1):
        packed = gzip.compress(packed)
    encodings = ", ".join(["gzip"] * times)
    api.replies.append(Reply(body=packed, headers={"Content-Encoding": encodings}))
    tracemalloc.start()
    try:
        error = failure(api, max_tries=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "cannot be decompressed" in str(error)
    assert peak < 8 << 20


def test_headers_without_end_are_refused(api: Api) -> None:
    api.replies.append(Reply(headers={f"X-{number}": "x" * 1000 for number in range(500)}))
    assert "no answer: RemoteProtocolError" in str(failure(api, max_tries=1))


def test_a_closed_port_is_tried_again_and_named() -> None:
    source = YouTubeViewCounts(
        api_key=API_KEY, base_url="http://127.0.0.1:9", max_tries=2, first_wait=0.01
    )
    with pytest.raises(ViewCountSourceError, match=r"http://127\.0\.0\.1:9: gave up after 2 tries"):
        source.fetch(["a"])


# Refusals


@pytest.mark.parametrize(
    "reply",
    [
        refusal(403, "quotaExceeded", 'exceeded your <a href="/q">quota</a>.'),
        refusal(403, "dailyLimitExceeded"),
        refusal(429, "rateLimitExceeded", PER_DAY),
    ],
    ids=["quotaExceeded", "dailyLimitExceeded", "per day as 429"],
)
def test_a_used_up_quota_ends_at_once(api: Api, reply: Reply) -> None:
    api.replies.extend([reply] * 9)
    error = failure(api)
    assert isinstance(error, QuotaExceededError)
    assert len(api.calls) == 1
    assert "midnight Pacific" in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        refusal(400, "keyInvalid", "Bad Request"),
        refusal(400, "badRequest", "API key not valid. Please pass a valid API key."),
        refusal(400, "", "no", details=[{"reason": "API_KEY_INVALID"}]),
        refusal(403, "forbidden", "The request is missing a valid API key."),
        refusal(403, "accessNotConfigured", "API has not been used in project 1 or is disabled."),
        refusal(401, "authError"),
        Reply(401, b"no JSON"),
    ],
    ids=lambda reply: f"{reply.status} {reply.content[-40:]!r}",
)
def test_a_refused_key_ends_at_once_and_says_what_to_set(api: Api, reply: Reply) -> None:
    api.replies.extend([reply] * 9)
    error = failure(api)
    assert isinstance(error, InvalidApiKeyError)
    assert len(api.calls) == 1
    assert "Set YOUTUBE_API_KEY" in str(error)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (refusal(404, "videoNotFound", "none"), "videoNotFound"),
        (refusal(400, "invalidParameter"), "invalidParameter"),
        (refusal(403, "forbidden"), "forbidden"),
        (Reply(404, b"<html>not here</html>"), ""),
        (Reply(400, b"[1]"), ""),
        (Reply(400, {"error": {"errors": [7, {"reason": 7}], "message": None}}), ""),
        (Reply(302, headers={"Location": "http://127.0.0.1:9/"}), ""),
        (Reply(501), ""),
    ],
    ids=lambda value: f"{value.status} {value.content[-40:]!r}" if isinstance(value, Reply) else "",
)
def test_any_other_refusal_ends_at_once_with_status_and_reason(
    api: Api, reply: Reply, reason: str
) -> None:
    api.replies.extend([reply] * 9)
    error = failure(api)
    assert type(error) is ViewCountSourceError
    assert (error.status, error.reason) == (reply.status, reason)
    assert f"refused the call ({reply.status}" in str(error)
    assert len(api.calls) == 1


# Garbage


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (Reply(body=b"<html>hello</html>"), "is no JSON: '<html>hello"),
        (Reply(body=b'{"items": ['), "is no JSON"),
        (Reply(body=b""), "is no JSON"),
        (Reply(body=b"\xff\xfe"), "is no JSON"),
        (Reply(body=b"[]"), "has no list of items"),
        (Reply(body=b"null"), "has no list of items"),
        (Reply(body={"kind": "other"}), "has no list of items"),
        (Reply(body={"items": {"a": 1}}), "has no list of items"),
        (items(7), "holds an item without id or statistics: 7"),  # type: ignore[arg-type]
        (items({"statistics": {}}), "holds an item without id or statistics"),
        (items({"id": "a", "statistics": []}), "holds an item without id or statistics"),
        (items(counted("z", "1")), "holds 'z', which was not asked for"),
        (items(counted("a", "1"), counted("a", "1")), "holds 'a' twice"),
        (items(counted("a", "1.5")), "counts '1.5' views of 'a', which is no decimal integer"),
        (items(counted("a", "-1")), "no decimal integer"),
        (items(counted("a", "1_0")), "no decimal integer"),
        (items(counted("a", "٣")), "no decimal integer"),
        (items(counted("a", "")), "no decimal integer"),
        (items(counted("a", None)), "no decimal integer"),
        (items(counted("a", True)), "no decimal integer"),  # noqa: FBT003 (a JSON value)
        (items(counted("a", 1.0)), "no decimal integer"),
        (items(counted("a", str(2**63))), "more than 63 bits hold"),
        (items(counted("a", "9" * 5000)), "more than 63 bits hold"),
        (Reply(body=b" " * (1 << 21)), "is longer than 1048576 bytes"),
        (Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}), "cannot be decompressed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_garbage_is_tried_three_times_and_then_described(
    api: Api, reply: Reply, complaint: str
) -> None:
    api.replies.extend([reply] * 9)
    error = failure(api)
    assert "gave up after 3 tries, the last: the answer " in str(error)
    assert complaint in str(error)
    assert len(str(error)) < 700
    assert len(api.calls) == 3


# The key


def test_the_key_comes_from_the_environment() -> None:
    source = YouTubeViewCounts.from_environment({"YOUTUBE_API_KEY": f" {API_KEY}\n"}, batch_size=7)
    assert source.api_key.get_secret_value() == API_KEY
    assert source.batch_size == 7


@pytest.mark.parametrize("environment", [{}, {"YOUTUBE_API_KEY": " "}])
def test_a_missing_key_says_how_to_get_one(environment: dict[str, str]) -> None:
    with pytest.raises(InvalidApiKeyError, match="YOUTUBE_API_KEY is not set: create an API key"):
        YouTubeViewCounts.from_environment(environment)


def test_the_environment_is_read_when_the_source_is_built(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOUTUBE_API_KEY", API_KEY)
    travelling = cloudpickle.dumps(YouTubeViewCounts.from_environment(base_url=api.base_url))
    monkeypatch.delenv("YOUTUBE_API_KEY")
    api.counts = {"a": "5"}
    assert cloudpickle.loads(travelling).fetch(["a"]) == {"a": 5}


@pytest.mark.parametrize("key", ["", "Secret Key", "Secret\nKey", "Schlüssel"])
def test_a_malformed_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        YouTubeViewCounts(api_key=key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/youtube/v3",
        "https://user:word@example.com",
        "https://example.com?key=x",
        "ftp://example.com",
        "example.com",
    ],
)
def test_an_address_that_would_give_the_key_away_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="base_url must"):
        YouTubeViewCounts(api_key=API_KEY, base_url=url)


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://[::1]:1", "https://example.com/a"])
def test_an_encrypted_or_local_address_is_fine(url: str) -> None:
    assert YouTubeViewCounts(api_key=API_KEY, base_url=url).base_url == url.rstrip("/")


def test_the_key_is_in_no_repr() -> None:
    source = YouTubeViewCounts(api_key=API_KEY)
    assert API_KEY not in f"{source!r} {source} {source.model_dump_json()}"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(),
        refusal(400, "badRequest", f"API key {API_KEY} not valid"),
        refusal(404, API_KEY, API_KEY),
        refusal(403, "quotaExceeded", API_KEY),
        refusal(503, "backendError", API_KEY),
        Reply(body=API_KEY.encode()),
        items(counted(API_KEY, "1")),
        Reply(hang_up=True),
        Reply(delay=0.3),
    ],
    ids=lambda reply: f"{reply.status} {reply.content[:30]!r} {reply.delay} {reply.hang_up}",
)
def test_the_key_is_in_no_log_and_no_error_even_when_the_server_repeats_it(
    api: Api, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.replies.extend([reply] * 9)
    shown = ""
    try:
        api.source(read_seconds=0.1, max_tries=3).fetch(["a"])
    except ViewCountSourceError as error:
        shown = "".join(traceback.format_exception(error)) + repr(error) + error.reason
    assert caplog.records
    assert API_KEY not in caplog.text
    assert API_KEY not in shown
