import dagster as dg
import httpx
import pytest
from pyspark.errors import PySparkException
from tenacity import wait_none

from resources.runs import passing_faults
from resources.runs.passing_faults import MAX_RETRIES, passes, retries_passing_faults


def caused_by(cause: Exception) -> Exception:
    error = RuntimeError("writing failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError(), True),
        (httpx.ConnectTimeout("slow"), True),
        (caused_by(PySparkException("[RETRIES_EXCEEDED] maximum number")), True),
        (caused_by(PySparkException("[INVALID_HANDLE.SESSION_CHANGED] other session")), True),
        (caused_by(PySparkException("[TABLE_OR_VIEW_NOT_FOUND] no such table")), False),
        (FileNotFoundError("events.parquet"), False),
        (ValueError("wrong"), False),
    ],
)
def test_a_server_that_was_away_passes_and_a_mistake_does_not(
    error: Exception, *, expected: bool
) -> None:
    assert passes(error) is expected


@pytest.mark.parametrize("error", [ConnectionError, ValueError, KeyboardInterrupt])
def test_only_what_passes_is_tried_again_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr(passing_faults, "WAIT", wait_none())
    tries: list[int] = []

    @dg.asset
    @retries_passing_faults
    def broken() -> None:
        tries.append(1)
        raise error

    if error is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            dg.materialize([broken])
    else:
        assert not dg.materialize([broken], raise_on_error=False).success
    assert len(tries) == (1 + MAX_RETRIES if error is ConnectionError else 1)
