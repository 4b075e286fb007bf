"""What the sections of edgerec.toml are made of."""

import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1)]
Plain = int | float | str | bool | datetime.datetime | datetime.date


class Section(BaseModel):
    """A part of the file; what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def names_column(description: str, default: Any = ...) -> Any:
    """Return a key that names a column; `checking` finds it by its mark."""
    return Field(default, description=description, json_schema_extra={"names": "column"})


class Condition(Section):
    """Which rows count: column, operator, value."""

    column: Name = names_column("column of the table")
    operator: Literal["==", "!=", "<", "<=", ">", ">="] = Field(description="comparison")
    value: Plain = Field(description="what the column is compared with")
