"""Fixtures that every test may use."""

import gc
import os
from collections.abc import Iterator
from itertools import chain, groupby

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession
from support.engine import engine_of_tests, is_spark, send_test_code, use_engine_of_environment
from support.instances import read_migrations_once
from support.samples import Sample, make_sample

from resources.engine.session import use_utc

# A busy machine is no finding: no example is judged by the clock.
settings.register_profile("by the value alone", settings.default, deadline=None)
settings.load_profile("by the value alone")

BYTES_OF_A_PROCESS = 3 * 2**30
# The share of the other files among which those that wait for processes are spread.
COMPUTING_BESIDE_OTHERS = 0.7

use_utc()
use_engine_of_environment()
read_migrations_once()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """As many processes as there are cores, and memory for an engine in each of them."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(os.cpu_count() or 1, memory // BYTES_OF_A_PROCESS))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no garbage while modules are imported, which would take a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that wait for other processes among the first of those that compute.

    Two at once would wait for the cores, and one at the end would run alone.
    """
    waiting, computing = [], []
    for _, of_file in groupby(items, key=lambda item: item.path):
        together = list(of_file)
        waits = any(item.get_closest_marker("processes") for item in together)
        (waiting if waits else computing).append(together)
    between = int(len(computing) * COMPUTING_BESIDE_OTHERS) // max(len(waiting), 1)
    for place, together in enumerate(waiting):
        computing.insert(place * (between + 1), together)
    items[:] = chain.from_iterable(computing)


def pytest_collection_finish(session: pytest.Session) -> None:
    if is_spark():
        send_test_code({item.module for item in session.items if isinstance(item, pytest.Function)})


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return engine_of_tests().spark_session


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Some days with every kind of defect."""
    return make_sample(tmp_path_factory.mktemp("sample"), events=4_000, days=3, users=60, videos=10)
