import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.features import history
from edgerec.features.statistics import NEVER_SEEN, ItemStatistics
from edgerec.features.table_arrays import tables_from_arrays, tables_to_arrays
from edgerec.features.taste.columns import COLUMNS
from edgerec.features.taste.tables import no_taste
from edgerec.features.vector import (
    FeatureTables,
    Requests,
    feature_vectors,
    history_inputs,
)

Array = NDArray[np.float32]
N_ITEMS, N_USERS, N_FITS, N_EMBEDDINGS = 5, 3, 3, 2


def some_tables(
    *, label_above: float | None = 3.0, user_width: int = 2, item_width: int = 2
) -> FeatureTables:
    random = np.random.default_rng(0)

    def table(*shape: int) -> Array:
        return random.random(shape, np.float32)

    rows = N_ITEMS + 1
    embedding = table(N_EMBEDDINGS, rows, 3)
    embedding[:, 0] = 0
    return FeatureTables(
        user_features=table(N_USERS + 1, user_width),
        item_features=table(rows, item_width),
        content=table(rows, item_width),
        scales=table(rows, 1),
        kinds=table(rows, item_width),
        embedding=embedding,
        audience=table(N_FITS, rows, 2),
        statistics=ItemStatistics(
            table(N_FITS, rows),
            table(N_FITS, rows),
            table(N_FITS, rows),
            random.integers(0, 10**6, (N_FITS, rows)),
            table(N_FITS),
            table(N_FITS),
            table(N_FITS),
        ),
        taste=no_taste(N_ITEMS, N_FITS),
        label_above=label_above,
        value_range=(1.0, 5.0),
    )


def some_requests() -> Requests:
    return Requests(
        user=np.array([1, 0]),
        candidates=np.array([[2, 0, 5], [1, 1, 3]]),
        history=np.array([[3, 4, 0], [0, 0, 0]]),
        values=np.float32([[4.0, np.nan, np.nan], [2.0, np.nan, np.nan]]),
        fit=np.array([2, 1]),
        embedding_fit=np.array([1, 0]),
        as_of=np.array([500_000, 10**7]),
    )


def one_history(values: list[float], tables: FeatureTables) -> history.HistoryInputs:
    requests = Requests(
        user=np.zeros(1, np.int64),
        candidates=np.ones((1, 1), np.int64),
        history=np.arange(1, len(values) + 1)[None],
        values=np.array([values], np.float32),
        fit=np.zeros(1, np.int64),
        embedding_fit=np.zeros(1, np.int64),
        as_of=np.zeros(1, np.int64),
    )
    return history_inputs(requests, tables)


def test_columns_stand_where_their_names_say():
    tables, requests = some_tables(), some_requests()
    vectors = feature_vectors(requests, tables)
    names = tables.names()
    assert vectors.shape == (2, 3, len(names))
    assert vectors.dtype == np.float32
    columns = dict(zip(names, vectors.transpose(2, 0, 1), strict=True))
    candidates, fit = requests.candidates, requests.fit[:, None]
    for number in (0, 1):
        expected = np.repeat(tables.user_features[requests.user, number][:, None], 3, axis=1)
        np.testing.assert_array_equal(columns[f"user_{number}"], expected)
        np.testing.assert_array_equal(
            columns[f"item_{number}"], tables.item_features[candidates, number]
        )
    statistics = tables.statistics
    for name, table in (
        ("item_mean_value", statistics.mean_value),
        ("item_liked_rate", statistics.liked_rate),
        ("item_log_count", statistics.log_count),
    ):
        np.testing.assert_array_equal(columns[name], table[fit, candidates])
    root = np.sqrt(np.expm1(statistics.log_count[fit, candidates]))
    np.testing.assert_array_equal(columns["item_root_count"], root)
    inputs = history_inputs(requests, tables)
    user = history.user_features(inputs)
    candidate = history.candidate_features(inputs, user)
    for number, name in enumerate(history.USER_NAMES):
        np.testing.assert_array_equal(columns[name], np.repeat(user[:, [number]], 3, axis=1))
    profile = history.profile(inputs, user)
    for number, name in enumerate(history.profile_names(2)):
        np.testing.assert_array_equal(columns[name], np.repeat(profile[:, [number]], 3, axis=1))
    for number, name in enumerate(history.CANDIDATE_NAMES):
        np.testing.assert_array_equal(columns[name], candidate[:, :, number])


def test_an_item_is_as_old_as_its_first_interaction_and_not_younger_than_0_days():
    tables, requests = some_tables(), some_requests()
    first = tables.statistics.first_seen
    first[2, [2, 0, 5]] = [500_000 - 2 * 86_400 + 1, NEVER_SEEN, 500_001]
    inputs = history_inputs(requests, tables)
    assert inputs.candidate_age[0].tolist() == [1, 0, 0]
    expected = (10**7 - first[1, [1, 1, 3]]) // 86_400
    np.testing.assert_array_equal(inputs.candidate_age[1], expected)


def test_dynamic_features_read_the_fits_of_the_request():
    tables, requests = some_tables(), some_requests()
    inputs = history_inputs(requests, tables)
    statistics = tables.statistics
    np.testing.assert_array_equal(inputs.mean_value[0], statistics.mean_value[2, [3, 4, 0]])
    np.testing.assert_array_equal(inputs.liked_rate[1], statistics.liked_rate[1, [0, 0, 0]])
    np.testing.assert_array_equal(inputs.embedding[0], tables.embedding[1, [3, 4, 0]])
    np.testing.assert_array_equal(inputs.candidate_embedding[1], tables.embedding[0, [1, 1, 3]])
    np.testing.assert_array_equal(inputs.audience[0], tables.audience[2, [3, 4, 0]])
    np.testing.assert_array_equal(inputs.candidate_audience[1], tables.audience[1, [1, 1, 3]])
    np.testing.assert_array_equal(inputs.prior_value, statistics.prior_value[[2, 1]])


def test_a_slot_that_holds_nothing_states_nothing():
    inputs = history_inputs(some_requests(), some_tables())
    assert inputs.present.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert inputs.stated.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert inputs.value.tolist() == [[4, 0, 0], [0, 0, 0]]
    assert inputs.liked.tolist() == [[1, 0, 0], [0, 0, 0]]


def test_values_beyond_those_of_training_are_cut():
    inputs = one_history([-100.0, 0.5, 3.0, 9.0, np.inf], some_tables())
    assert inputs.value.tolist() == [[1, 1, 3, 5, 5]]
    assert inputs.liked.tolist() == [[0, 0, 0, 1, 1]]


def test_without_a_rule_nothing_counts_as_liked():
    inputs = one_history([1.0, 5.0], some_tables(label_above=None))
    assert inputs.stated.tolist() == [[1, 1]]
    assert inputs.liked.tolist() == [[0, 0]]


@pytest.mark.parametrize(("user_width", "item_width"), [(0, 2), (2, 0), (0, 0)])
def test_features_may_have_no_column(user_width: int, item_width: int) -> None:
    tables = some_tables(user_width=user_width, item_width=item_width)
    vectors = feature_vectors(some_requests(), tables)
    assert vectors.shape[2] == len(tables.names())
    n_dynamic = len(history.NAMES) + 2 * item_width
    assert vectors.shape[2] == user_width + item_width + 4 + n_dynamic + len(COLUMNS)
    assert np.isfinite(vectors).all()


def test_one_request_is_answered_as_it_is_among_others():
    tables, requests = some_tables(), some_requests()
    both = feature_vectors(requests, tables)
    arrays = {name: array for name, array in vars(requests).items() if array is not None}
    alone = feature_vectors(Requests(**{name: array[1:] for name, array in arrays.items()}), tables)
    np.testing.assert_allclose(alone[0], both[1], rtol=1e-6)


def test_tables_survive_being_arrays():
    tables = some_tables()
    back = tables_from_arrays(tables_to_arrays(tables), 3.0, (1.0, 5.0), 100, 0, 24)
    for name in (
        "user_features",
        "item_features",
        "content",
        "kinds",
        "scales",
        "embedding",
        "audience",
    ):
        np.testing.assert_array_equal(getattr(back, name), getattr(tables, name))
    for name, array in vars(tables.statistics).items():
        np.testing.assert_array_equal(getattr(back.statistics, name), array)
    assert (back.label_above, back.value_range) == (3.0, (1.0, 5.0))
