"""Fixtures that every test may use."""

import pytest
from pyspark.sql import SparkSession
from support.engine import engine_of_tests, is_spark, send_test_code, use_engine_of_environment
from support.samples import Sample, make_sample

from resources.engine.session import use_utc

use_utc()
use_engine_of_environment()


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
