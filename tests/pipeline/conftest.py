"""One sample for all runs through Dagster: some days, every kind of defect."""

import pytest
from support.samples import Sample, make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("pipeline_sample")
    return make_sample(folder, events=4_000, days=3, users=60, videos=10)
