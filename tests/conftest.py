"""Fixtures that every test may use."""

import pytest
from pyspark.sql import SparkSession
from support.engine import engine_of_tests, is_spark, send_test_code, use_engine_of_environment

from resources.engine.session import use_utc

use_utc()
use_engine_of_environment()


def pytest_collection_finish(session: pytest.Session) -> None:
    if is_spark():
        send_test_code({item.module for item in session.items if isinstance(item, pytest.Function)})


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return engine_of_tests().spark_session
