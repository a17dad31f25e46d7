"""One sample for all tests: small enough to be quick, large enough for every defect."""

import pytest
from support.samples import Sample, make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make_sample(tmp_path_factory.mktemp("sample"), events=40_000, days=4)
