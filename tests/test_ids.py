import enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgerec.errors import SampleError
from edgerec.ids import (
    PADDING_INTEGER,
    PADDING_STRING,
    IdIndex,
    id_array,
    padding_id,
    require_kind,
    rows_of,
)

INTEGERS = st.integers(PADDING_INTEGER + 1, 2**63 - 1)
STRINGS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
IS_PADDING = (
    "is the padding id, which means that nothing is there. "
    "Give that row another id or leave it out."
)


class Colour(enum.IntEnum):
    RED = 1


@settings(deadline=None)
@given(st.one_of(st.lists(INTEGERS, min_size=1), st.lists(STRINGS, min_size=1)))
def test_rows_are_one_plus_the_rank_of_the_id(chosen: list[Any]) -> None:
    index = IdIndex("item")
    codes = index.encode(chosen)
    ascending, row_of_code = index.finish()
    assert ascending.tolist() == sorted(set(chosen))
    expected = [1 + sorted(set(chosen)).index(id_) for id_ in chosen]
    assert row_of_code[codes].tolist() == expected
    assert rows_of(chosen, ascending).tolist() == expected


def test_codes_follow_the_order_of_appearance_over_calls():
    index = IdIndex("user")
    assert index.encode(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert index.encode(["c", "a"]).tolist() == [2, 1]
    assert (len(index), index.id_of(2), index.id_type) == (3, "c", "string")


def test_nothing_to_encode_is_fine():
    index = IdIndex("user")
    assert index.encode([]).tolist() == []
    assert index.finish()[0].tolist() == []


def test_numpy_ids_are_the_same_as_python_ids():
    index = IdIndex("item")
    assert index.encode([7, np.int64(7), np.int32(7), np.uint8(7)]).tolist() == [0, 0, 0, 0]
    names = IdIndex("item")
    assert names.encode(["a", np.str_("a")]).tolist() == [0, 0]


def test_strings_that_numpy_would_cut_or_merge_stay_apart():
    index = IdIndex("item")
    ids = ["a", "a ", "a\n", "A", "é", "e\u0301", "\uffff", "\U0001f600"]
    index.encode(ids)
    known, _ = index.finish()
    assert known.tolist() == sorted(ids)
    assert len(set(rows_of(ids, known).tolist())) == len(ids)


def test_unknown_ids_have_row_0():
    known = id_array([10, 20], "int64")
    assert rows_of([5, 10, 15, 20, 25, PADDING_INTEGER], known).tolist() == [0, 1, 0, 2, 0, 0]
    assert rows_of([], known).tolist() == []
    assert rows_of([1], id_array([], "int64")).tolist() == [0]
    assert rows_of(["a", PADDING_STRING], id_array(["a"], "string")).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        (True, "bool"),
        (1.0, "float"),
        (None, "NoneType"),
        (b"a", "bytes"),
        (np.float64(1), "float64"),
        (np.bool_(True), "bool"),
        ((1, 2), "tuple"),
        (Colour.RED, "Colour"),
    ],
)
def test_what_is_no_integer_or_string_is_refused(odd: Any, kind: str) -> None:
    with pytest.raises(SampleError) as caught:
        IdIndex("user").encode([5, odd])
    assert str(caught.value) == (
        f"The user id {odd!r} is of type {kind}; ids must be integers or strings. "
        "Convert it before it is yielded."
    )


def test_kinds_do_not_mix_in_one_call():
    with pytest.raises(SampleError) as caught:
        IdIndex("item").encode(["a", "b", 3])
    assert str(caught.value) == (
        "The item id 3 is of kind int64, but earlier item ids are of kind string. "
        "Use one kind in the whole model."
    )


def test_kinds_do_not_mix_over_calls():
    index = IdIndex("user")
    index.encode([1, 2])
    with pytest.raises(SampleError) as caught:
        index.encode(["x"])
    assert str(caught.value) == (
        "The user id 'x' is of kind string, but earlier user ids are of kind int64. "
        "Use one kind in the whole model."
    )


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        ([1, PADDING_INTEGER], f"The user id -2**63 {IS_PADDING}"),
        (["a", ""], f"The user id '' {IS_PADDING}"),
        (
            [1, 2**63],
            f"The user id {2**63} does not fit into 64 bits. Use string ids instead.",
        ),
        (
            [np.uint64(2**64 - 1), 1],
            f"The user id {2**64 - 1} does not fit into 64 bits. Use string ids instead.",
        ),
        (
            [1, -(2**63) - 1],
            f"The user id {-(2**63) - 1} does not fit into 64 bits. Use string ids instead.",
        ),
    ],
)
def test_padding_and_what_does_not_fit_are_refused(ids: list[Any], sentence: str) -> None:
    with pytest.raises(SampleError) as caught:
        IdIndex("user").encode(ids)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("odd", ["a\0", "\0", "half \ud83d"])
def test_what_no_runtime_can_be_asked_for_is_refused(odd: str) -> None:
    index = IdIndex("item")
    index.encode(["a", odd])
    with pytest.raises(SampleError) as caught:
        index.finish()
    assert str(caught.value) == (
        f"The item id {odd!r} holds a NUL or half a character, which no runtime can be asked for. "
        "Clean it before it is yielded."
    )


def test_the_outermost_ids_fit():
    index = IdIndex("user")
    index.encode([2**63 - 1, PADDING_INTEGER + 1])
    assert index.finish()[0].tolist() == [PADDING_INTEGER + 1, 2**63 - 1]


def test_padding_ids():
    assert (padding_id("int64"), padding_id("string")) == (-(2**63), "")


def test_ids_of_another_kind_than_the_model_s_name_where_they_came_from():
    require_kind([1, np.int64(2)], "int64", "item_seq_generator")
    with pytest.raises(SampleError) as caught:
        require_kind([1, "7"], "int64", "item_seq_generator")
    assert str(caught.value) == (
        "item_seq_generator gave the item id '7' of type str, but the items of sample_generator "
        "have ids of kind int64. Give the same kind."
    )
