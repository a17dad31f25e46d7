#!/usr/bin/env bash
# dagster-postgres 0.29.27 requires psycopg2-binary, makes addresses that begin with postgresql://,
# and allows SQLAlchemy 2.1, where such an address means psycopg 3. A guess is that a fresh install
# with its documented settings opens its storage: it cannot even load the driver. With
# scheme: postgresql+psycopg2 in the settings of the storage it can.
# Seen: SQLAlchemy 2.0.51 takes psycopg2; 2.1.9 raises ModuleNotFoundError: No module named
# 'psycopg', and takes psycopg2 where the address names it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat > "$folder/drivers.py" <<'PYTHON'
import importlib.metadata
import sys

from dagster_postgres.utils import get_conn_string
from sqlalchemy import create_engine


def driver(**scheme: str) -> str:
    address = get_conn_string("user", "password", "127.0.0.1", "db", "5432", **scheme)
    try:
        return create_engine(address).dialect.driver
    except ModuleNotFoundError as error:
        return f"{type(error).__name__}: {error}"


versions = {name: importlib.metadata.version(name) for name in sys.argv[1:]}
seen = driver(), driver(scheme="postgresql+psycopg2")
print(versions, "as documented:", seen[0], "| with the driver named:", seen[1])
is_old = versions["SQLAlchemy"].startswith("2.0.")
documented = "psycopg2" if is_old else "ModuleNotFoundError: No module named 'psycopg'"
assert seen == (documented, "psycopg2"), seen
PYTHON
for sqlalchemy in 2.0.51 2.1.9; do
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    dagster==1.13.27 dagster-postgres==0.29.27 "SQLAlchemy==$sqlalchemy"
  "$folder/venv/bin/python" "$folder/drivers.py" dagster-postgres SQLAlchemy psycopg2-binary
done
