from video_assets.docs import (
    ERRORS_PAGE,
    README,
    TABLES_PAGE,
    renewed_readme,
    tables_reference,
)
from video_assets.error_reference import errors_reference, messages
from video_assets.settings import Settings, environment_name
from video_assets.tables import TABLES


def test_the_readme_lists_the_settings_as_they_are_declared() -> None:
    readme = README.read_text("utf-8")
    assert renewed_readme(readme) == readme, "run `make docs`"


def test_the_page_of_tables_lists_the_columns_as_they_are_declared() -> None:
    assert TABLES_PAGE.read_text("utf-8") == tables_reference(), "run `make docs`"


def test_the_page_of_errors_has_what_the_code_says() -> None:
    assert ERRORS_PAGE.read_text("utf-8") == errors_reference(), "run `make docs`"


def test_errors_are_found_with_what_is_wrong_and_what_to_do() -> None:
    found = {one.says: one for one in messages()}
    one = found["*where*: none of its first *number* rows is a JSON object."]
    assert (one.subject, one.remedy) == (
        "Sources and their files",
        "Set *setting*_FORMAT to what the file is.",
    )


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
