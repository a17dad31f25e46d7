"""Faults that pass by themselves: the step waits and is tried again, with a new session."""

import functools
import inspect
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import dagster as dg
from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_exponential_jitter

from resources.engine.errors import is_out_of_reach
from resources.runs.limits import explaining_limits

MAX_RETRIES = 3
WAIT = wait_exponential_jitter(multiplier=30, max=300, jitter=15)

P = ParamSpec("P")
R = TypeVar("R")
_log = logging.getLogger(__name__)


def retries_passing_faults(compute: Callable[P, R]) -> Callable[P, R]:
    """Try an asset's function again, up to three times, when a network or a server was away.

    Dagster reads its inputs again too, so that they belong to a session that lives. No retry policy
    of Dagster's: it takes an interrupt for a failure, and would not end the run.
    """
    if inspect.isgeneratorfunction(compute):

        @functools.wraps(compute)
        def generate(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            with _trying_again():
                yield from compute(*args, **kwargs)

        return cast("Callable[P, R]", generate)

    @functools.wraps(compute)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _trying_again():
            return compute(*args, **kwargs)

    return call


@contextmanager
def _trying_again() -> Iterator[None]:
    try:
        with explaining_limits():
            yield
    except Exception as error:
        tries = dg.OpExecutionContext.get().retry_number + 1
        if tries > MAX_RETRIES or not passes(error):
            raise
        seconds = WAIT(_after(tries))
        _log.warning("%s; trying again in %.0f s", error, seconds)
        time.sleep(seconds)
        raise dg.RetryRequested(MAX_RETRIES) from error


def passes(error: BaseException | None) -> bool:
    """Whether the error, or what caused it, is a server or a network that did not answer."""
    while error is not None:
        if isinstance(error, ConnectionError | TimeoutError) or _is_of_the_network(error):
            return True
        if is_out_of_reach(error):
            return True
        error = error.__cause__
    return False


def _is_of_the_network(error: BaseException) -> bool:
    """Whether it is an error of httpx, which only those have imported that use it."""
    httpx = sys.modules.get("httpx")
    return httpx is not None and isinstance(error, httpx.TransportError)


def _after(tries: int) -> RetryCallState:
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = tries
    return state
