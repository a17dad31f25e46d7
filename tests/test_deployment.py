"""The files of docs/deployment/ fit the repository that they deploy."""

import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FILES = ROOT / "docs" / "deployment"
WHERE_RUNS_ARE_KEPT = {"storage", "run_coordinator"}


def settings_of(file: Path) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(file.read_text())
    return settings


def test_the_production_instance_differs_from_the_local_one_only_in_where_runs_are_kept() -> None:
    production, local = (
        {
            name: value
            for name, value in settings_of(file).items()
            if name not in WHERE_RUNS_ARE_KEPT
        }
        for file in (FILES / "dagster.yaml", ROOT / "resources/runs/dagster.yaml")
    )
    assert production == local


def test_the_image_holds_every_package_and_the_code_location_that_the_workspace_asks_for() -> None:
    image = (FILES / "Containerfile").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]:
        assert f"COPY {pattern.rstrip('*')} " in image
    [location] = settings_of(FILES / "workspace.yaml")["load_from"]
    assert f'"-p", "{location["grpc_server"]["port"]}"' in image
    assert f'"-m", "{project["tool"]["dagster"]["module_name"]}"' in image
