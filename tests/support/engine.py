"""The engine under the tests: the embedded one, or with `VIDEO_ASSETS_ENGINE=spark` Apache Spark.

The suite takes the switch from the platform's own settings, as every `Settings` of a test does.
"""

import json
import os
import sys
from collections.abc import Iterable
from types import ModuleType

import pytest
from pyspark import cloudpickle

from resources.engine.session import SparkEngine
from video_assets.settings import Settings, environment_name

# A suite of small tables.
_FOR_SMALL_TABLES = {
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.delta.log.cacheSize": "10",
}


def use_engine_of_environment() -> None:
    """Complete what the environment says; without a word in it the suite is on one machine."""
    if os.environ.get(environment_name("engine")) == "spark":
        os.environ.setdefault(environment_name("spark_remote"), "local[2]")
        if os.environ[environment_name("spark_remote")].startswith("local"):
            config = json.dumps(_FOR_SMALL_TABLES)
            os.environ.setdefault(environment_name("spark_config"), config)


def engine_of_tests() -> SparkEngine:
    return SparkEngine.from_settings(Settings(_env_file=None))


def is_spark() -> bool:
    return engine_of_tests().engine == "spark"


def only_embedded(reason: str) -> pytest.MarkDecorator:
    """Mark a test of something that only the embedded engine does."""
    return pytest.mark.skipif(is_spark(), reason=reason)


def only_spark(reason: str) -> pytest.MarkDecorator:
    """Mark a test of something that only Apache Spark does."""
    return pytest.mark.skipif(not is_spark(), reason=reason)


def send_test_code(modules: Iterable[ModuleType]) -> None:
    """Let kernels that a test defines travel whole: other processes cannot import the test."""
    support = (module for name, module in sys.modules.items() if name.startswith("support."))
    for module in {*modules, *support}:
        cloudpickle.register_pickle_by_value(module)
