from video_assets.docs import README, TABLES_PAGE, renewed_readme, tables_reference
from video_assets.settings import Settings, environment_name
from video_assets.tables import TABLES


def test_the_readme_lists_the_settings_as_they_are_declared() -> None:
    readme = README.read_text("utf-8")
    assert renewed_readme(readme) == readme, "run `make docs`"


def test_the_page_of_tables_lists_the_columns_as_they_are_declared() -> None:
    assert TABLES_PAGE.read_text("utf-8") == tables_reference(), "run `make docs`"


def test_every_setting_says_what_it_means() -> None:
    unexplained = [
        environment_name(n) for n, f in Settings.model_fields.items() if not f.description
    ]
    assert unexplained == []


def test_every_column_says_what_it_means() -> None:
    unexplained = [
        f"{table.name}.{column.name}"
        for table in TABLES.values()
        for column in table.columns
        if not column.description
    ]
    assert unexplained == []
