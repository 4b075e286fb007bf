"""The section [text] of edgerec.toml."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from edgerec.declared.sections import Condition, Name, Section, names_column


class Tags(Section):
    """A table of words about the items, a row each, such as users' tags: part of their texts."""

    table: Name = Field(description="table with a row per word or words of an item")
    item_id: Name = names_column("column of the item's id, as in [items]")
    text: Name = names_column("column of the word or words")
    where: list[Condition] = Field(
        default=[],
        description="rows that count; all conditions must hold. Leave out what was written after "
        "the training interactions, which would be a look into the future",
    )


class Text(Section):
    """What is written of the items becomes a vector of each (paragraph vectors, by gensim).

    So an item that nobody has touched yet has neighbours and a score. It pays where texts say more
    than the declared features do.
    """

    columns: list[Name] = names_column("columns of the table of [items], joined to one text", [])
    tags: Tags | None = None
    text_dim: Annotated[int, Field(ge=1)] = Field(default=16, description="width of a vector")
    min_count: Annotated[int, Field(ge=1)] = Field(
        default=2, description="words that occur less often are left out"
    )
    negative: Annotated[int, Field(ge=1)] = Field(default=5, description="noise words per word")
    sample: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=1e-3, description="frequent words above this are read less often"
    )
    epochs: Annotated[int, Field(ge=1)] = Field(
        default=20, description="passes over the texts, and over each text whose vector is asked"
    )

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if not self.columns and self.tags is None:
            raise ValueError("a section with columns, or with [text.tags]")
        return self
