"""How a CSV file is written, where its first line does not tell it."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

_NEVER_DELIMITERS = '"\r\n\\'


class CsvDialect(BaseModel):
    r"""What the settings say of CSV files.

    Attributes:
        delimiter: one character; None tells comma, semicolon, tab and `|` apart by the header.
        columns: names of the columns of files without a header; empty where they have one.
        nulls: words for null besides an empty field, such as `\N` and `NULL`.
        backslash_escapes: whether a backslash makes the next character an ordinary one.

    Raises:
        pydantic.ValidationError: the delimiter is none, or a name is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    delimiter: str | None = Field(None, min_length=1, max_length=1)
    columns: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ()
    backslash_escapes: bool = False

    @field_validator("delimiter")
    @classmethod
    def _is_ascii_and_no_quote(cls, value: str | None) -> str | None:
        if value and (not value.isascii() or value in _NEVER_DELIMITERS):
            raise ValueError("must be one ASCII character, no quote, backslash or line break")
        return value
