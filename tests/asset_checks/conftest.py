"""A warehouse for the tables of a test."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from support.checks import Checked


@pytest.fixture
def checked(spark: SparkSession, tmp_path: Path) -> Checked:
    return Checked(spark, tmp_path / "warehouse")
