"""What may stand in edgerec.toml. `docs/edgerec-toml.md` is it in words; a test compares the two.

Strict: an unknown key, a missing one or a value of another type is an error, since a setting that
is silently ignored is worse than none.
"""

import datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgerec.context import ContextColumns
from edgerec.declared.sections import Condition, Name, Plain, Section, names_column
from edgerec.declared.text import Text
from edgerec.declared.training import Training
from edgerec.features.tabular.conditions import Operator
from edgerec.source import ColumnNames, RowCondition


class Database(Section):
    """Where the data are."""

    url: Name = Field(
        description="database URL; ${NAME} is replaced by an environment variable, so that a "
        "password need not stand in the file"
    )


class Interactions(Section):
    """The table of who did what, when."""

    table: Name = Field(description="table of interactions to train on")
    user_id: Name = names_column("column of the user's id")
    item_id: Name = names_column("column of the item's id")
    timestamp: Name = names_column("column of the time: Unix seconds, a date or a timestamp")
    value: Name | None = names_column("column of the rating or weight; without it, 1", None)
    where: list[Condition] = Field(
        default=[], description="rows that count; all conditions must hold"
    )


class Label(Section):
    """What the ranker learns to tell apart."""

    rule: Literal["above", "taken"] = Field(
        description='"above": a value above `above` is label 1; "taken": every interaction is '
        "label 1 and items that the user did not touch are drawn as label 0"
    )
    above: float | None = Field(default=None, description='threshold of the rule "above"')
    weight: Name | None = names_column(
        "column of the interactions: how much each counts, beside the others, in what the network "
        "learns; 0 or more. NULL counts 1, and so does a drawn negative",
        None,
    )
    negatives: Literal["uniform", "popularity", "in_batch", "impressions"] | None = Field(
        default=None,
        description='how they are drawn for training.objective "samples", which a sampler that is '
        'named implies: "uniform" draws all items alike, "popularity" by popularity_exponent, '
        '"in_batch" what other users took, "impressions" what the user saw and did not take',
    )
    n_negatives: Annotated[int, Field(ge=1, le=100)] = Field(
        default=4, description="items drawn per interaction"
    )
    popularity_exponent: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="they are drawn by how often items occur, to this power: 0 draws all alike and "
        "ranks by what is likely to be taken; towards 1, popular items lose their lead; by default "
        '0, and .75 by the sampler "popularity"',
    )
    popularity_correction: bool = Field(
        default=False,
        description="negatives weigh as if all items had been drawn alike, so that popular items "
        "keep their lead",
    )


class ContextColumn(Section):
    """A column that says where or on what."""

    column: Name = names_column(
        "column of the interactions: a number that is known before the answer"
    )
    default: float = Field(description="what stands where a row or a request does not state it")


class ContextSection(Section):
    """Numbers that a request states of its moment, beside user and history."""

    time: list[Literal["hour", "weekday"]] = Field(
        default=[],
        description='of interactions.timestamp in UTC, as sine and cosine: "hour" gives hour_sin '
        'and hour_cos, of the time of day; "weekday" gives weekday_sin and weekday_cos, of the '
        "days since Monday",
    )
    columns: list[ContextColumn] = Field(
        default=[], description="columns of the interactions, in the order of the request"
    )

    @model_validator(mode="after")
    def _is_distinct(self) -> Self:
        names = list(self.made.defaults())
        if len(names) < 2 * len(self.time) + len(self.columns) or len(set(self.time)) < len(
            self.time
        ):
            raise ValueError("times and columns that are named once each")
        return self

    @property
    def made(self) -> ContextColumns:
        """What reads and derives the numbers."""
        return ContextColumns(
            tuple(self.time),
            tuple(one.column for one in self.columns),
            tuple(one.default for one in self.columns),
        )


class When(Section):
    """A row that does not meet it counts as missing."""

    column: Name = names_column("column of the table")
    operator: Operator = Field(description="comparison; is_null takes no value, in takes a list")
    value: Plain | list[Plain] | None = Field(
        default=None, description="what the column is compared with"
    )


class Feature(Section):
    """One rule that turns a column, or several, into numbers."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    column: Name | None = names_column("column of the table; it or `columns` is needed", None)
    columns: list[Name] = names_column("several columns, one after the other", [])
    kind: Name = Field(description="what is made of it; docs/features.md has all kinds")
    name: Name | None = Field(
        default=None, description="name of the block; by default column and kind"
    )
    when: When | None = None

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        if (self.column is None) == (not self.columns):
            raise ValueError("a rule with either column or columns")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that become numbers."""
        return (self.column,) if self.column is not None else tuple(self.columns)

    @property
    def options(self) -> dict[str, Any]:
        """What else the kind takes."""
        return dict(self.__pydantic_extra__ or {})


class Things(Section):
    """A table of users or of items, and the features made of its columns."""

    table: Name = Field(description="table; the interactions' own where there is no other")
    id: Name = names_column("column of the id")
    title: Name | None = names_column("column of a name that people read", None)
    features: list[Feature] = Field(
        default=[], description="rules, in the order of the feature vector"
    )


class Sequences(Section):
    """Where item2vec finds which items go together: baskets, playlists, visits.

    Without it, sequences are made of the interactions: training.embedding.sequences says of which.
    The table must hold no row that the file is evaluated on.
    """

    table: Name = Field(description="table with a row per item of a sequence")
    group: Name = names_column("column that is equal in all rows of one sequence")
    item_id: Name = names_column("column of the item's id, as in the interactions")
    timestamp: Name = names_column("column of the time, which orders a sequence")
    where: list[Condition] = Field(
        default=[], description="rows that count; all conditions must hold"
    )


class Impressions(Section):
    """What users saw: what is not among their interactions was not taken.

    The table must not reach into the time that the file is evaluated on: what is taken there would
    be learned as seen and not taken.
    """

    table: Name = Field(description="table with a row per item that was shown")
    user_id: Name = names_column("column of the user's id")
    item_id: Name = names_column("column of the item's id")
    timestamp: Name = names_column("column of the time")
    where: list[Condition] = Field(
        default=[], description="rows that count; all conditions must hold"
    )


class Export(Section):
    """What is written."""

    path: Annotated[str, Field(pattern=r".*\S\.onnx$")] = Field(
        default="models/model.onnx", description="the file; its name ends in .onnx"
    )


class Evaluation(Section):
    """Rows that training never sees."""

    test_table: Name = Field(description="table to evaluate the file on, with the same columns")
    history_table: Name | None = Field(
        default=None, description="table of rows that a test row may use if strictly earlier"
    )
    frozen: bool = Field(default=False, description="test rows never join a history")
    top: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="places of each test user's list, for which the whole catalogue is ranked; by "
        'the rule "taken", whose rows have one label alone, 10 where it is not given',
    )
    repeats: bool = Field(
        default=False,
        description="items that the user had in training may stand in his list, and are relevant",
    )


class Configuration(Section):
    """A whole edgerec.toml."""

    database: Database
    interactions: Interactions
    label: Label
    items: Things | None = None
    users: Things | None = None
    text: Text | None = None
    sequences: Sequences | None = None
    impressions: Impressions | None = None
    context: ContextSection | None = None
    training: Training = Training()
    export: Export = Export()
    evaluation: Evaluation | None = None

    @model_validator(mode="after")
    def _has_impressions(self) -> Self:
        if self.label.negatives == "impressions" and self.impressions is None:
            raise ValueError(
                'a section [impressions], from which label.negatives = "impressions" draws'
            )
        return self

    @model_validator(mode="after")
    def _has_items(self) -> Self:
        if self.text is not None and self.items is None:
            raise ValueError("a section [items], whose table and id the texts of [text] go by")
        return self


def interaction_names(configuration: Configuration) -> ColumnNames:
    """Return the names of the columns that every table of interactions has."""
    interactions = configuration.interactions
    return ColumnNames(
        user_id=interactions.user_id,
        item_id=interactions.item_id,
        value=interactions.value,
        timestamp=interactions.timestamp,
        # A column that looks like a value is not one unless it is declared.
        has_value=interactions.value is not None,
        context=None if configuration.context is None else configuration.context.made,
    )


def row_conditions(conditions: list[Condition]) -> list[RowCondition]:
    """Return the conditions as a source takes them; a date becomes its ISO 8601 text."""
    return [
        RowCondition(
            one.column,
            one.operator,
            str(one.value) if isinstance(one.value, datetime.date) else one.value,
        )
        for one in conditions
    ]


def section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field's type holds, as in a list of them; None: it holds none.

    >>> section_in(list[Condition]).__name__
    'Condition'
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := section_in(arg))), None)
