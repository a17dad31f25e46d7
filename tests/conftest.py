"""Fixtures that every test may use."""

import pytest
from pyspark.sql import SparkSession

from resources.spark import SparkEngine, use_utc

use_utc()


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    return SparkEngine().spark_session
