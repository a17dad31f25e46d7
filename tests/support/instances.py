"""What Dagster instances of many tests share."""

from functools import cache

from alembic.config import Config
from alembic.script import ScriptDirectory

_read = ScriptDirectory.from_config


@cache
def _migrations_in(folder: str) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", folder)
    return _read(config)


def read_migrations_once() -> None:
    """Spare each new instance the 90 files that alembic reads to name a database's version."""

    def from_config(config: Config) -> ScriptDirectory:
        folder = config.get_main_option("script_location")
        assert folder is not None
        return _migrations_in(folder)

    ScriptDirectory.from_config = from_config  # type: ignore[method-assign]
