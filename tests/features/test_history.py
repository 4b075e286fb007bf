import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edgerec.features import history
from edgerec.features.history import (
    CANDIDATE_NAMES,
    USER_NAMES,
    HistoryInputs,
    of_candidates,
    of_slots,
)

Array = NDArray[np.float32]
N_REQUESTS, N_SLOTS, N_CANDIDATES, DIMENSION, AUDIENCE, WIDTH = 4, 5, 3, 3, 4, 2


def unit_rows(array: NDArray[np.float64]) -> Array:
    length = np.linalg.norm(array, axis=-1, keepdims=True)
    return (array / np.where(length > 0, length, 1)).astype(np.float32)


def random_inputs(seed: int, *, width: int = WIDTH, n_present: int | None = None) -> HistoryInputs:
    """Requests with histories of different lengths, some values not stated."""
    random = np.random.default_rng(seed)
    slots, candidates = (N_REQUESTS, N_SLOTS), (N_REQUESTS, N_CANDIDATES)
    n_there = random.integers(0, N_SLOTS + 1, N_REQUESTS) if n_present is None else n_present
    present = np.arange(N_SLOTS) < np.broadcast_to(n_there, N_REQUESTS)[:, None]
    stated = present & (random.random(slots) < 0.7)
    value = np.where(stated, random.integers(1, 6, slots), 0)

    def numbers(*shape: int) -> Array:
        return random.random(shape, np.float32)

    return HistoryInputs(
        present=present.astype(np.float32),
        stated=stated.astype(np.float32),
        value=value.astype(np.float32),
        liked=(value > 3).astype(np.float32),
        mean_value=3 + numbers(*slots),
        liked_rate=numbers(*slots),
        embedding=unit_rows(random.normal(size=(*slots, DIMENSION)) * present[..., None]),
        audience=unit_rows(random.normal(size=(*slots, AUDIENCE)) * present[..., None]),
        content=unit_rows(random.normal(size=(*slots, width)) * present[..., None]),
        kinds=(random.normal(size=(*slots, width)) * present[..., None]).astype(np.float32),
        popularity=of_slots(numbers(*slots, 1) * 4 * present[..., None].astype(np.float32)),
        scale=of_slots(random.normal(size=(*slots, width)).astype(np.float32)),
        candidate_mean_value=3 + numbers(*candidates),
        candidate_liked_rate=numbers(*candidates),
        candidate_embedding=unit_rows(random.normal(size=(*candidates, DIMENSION))),
        candidate_audience=unit_rows(random.normal(size=(*candidates, AUDIENCE))),
        candidate_content=unit_rows(random.normal(size=(*candidates, width))),
        candidate_popularity=of_candidates(4 * numbers(*candidates, 1)),
        candidate_scale=of_candidates(random.normal(size=(*candidates, width)).astype(np.float32)),
        candidate_age=1000 * numbers(*candidates),
        prior_value=3 + numbers(N_REQUESTS),
        prior_liked_rate=numbers(N_REQUESTS),
        prior_spread=numbers(N_REQUESTS),
    )


def slow_features(inputs: HistoryInputs, request: int, candidate: int) -> dict[str, float]:
    """Every dynamic feature in plain loops over one history, newest first."""
    there = [slot for slot in range(inputs.present.shape[1]) if inputs.present[request, slot]]
    stated = [slot for slot in there if inputs.stated[request, slot]]

    def of(array: Array, slot: int) -> float:
        return float(array[request, slot])

    def dot(candidates: Array, slots: Array, slot: int) -> float:
        pairs = zip(candidates[request, candidate], slots[request, slot], strict=True)
        return math.fsum(float(one) * float(other) for one, other in pairs)

    def distance(candidates: Array, slots: Array, slot: int) -> float:
        # The places themselves: a candidate's stand doubled, and two columns follow them.
        pairs = zip(candidates[request, candidate, :-2], slots[request, slot, :-2], strict=True)
        return math.fsum((float(one) / 2 - float(other)) ** 2 for one, other in pairs)

    residual = {s: of(inputs.value, s) - of(inputs.mean_value, s) for s in stated}
    liked_residual = {s: of(inputs.liked, s) - of(inputs.liked_rate, s) for s in stated}
    n = len(stated)
    mean_residual = sum(residual.values()) / (n + 4)
    mean_liked_residual = sum(liked_residual.values()) / (n + 4)
    squares = sum((residual[s] - mean_residual) ** 2 for s in stated)
    features = {
        "log_count": math.log(1 + len(there)),
        "mean_value": (
            (sum(of(inputs.value, s) for s in stated) + 4 * float(inputs.prior_value[request]))
            / (n + 4)
        ),
        "mean_residual": mean_residual,
        "liked_rate": (
            (sum(of(inputs.liked, s) for s in stated) + 4 * float(inputs.prior_liked_rate[request]))
            / (n + 4)
        ),
        "mean_liked_residual": mean_liked_residual,
        "mean_popularity": sum(of(inputs.popularity[..., 0], s) for s in there) / (len(there) + 1),
        "residual_spread": math.sqrt((squares + 4 * float(inputs.prior_spread[request])) / (n + 4)),
        "expected_value": float(inputs.candidate_mean_value[request, candidate]) + mean_residual,
        "expected_liked": (
            float(inputs.candidate_liked_rate[request, candidate]) + mean_liked_residual
        ),
    }
    for scale in (5, 20):
        weight = {s: math.exp(-s / scale) for s in stated}
        for name, signal in (("", residual), ("_liked", liked_residual)):
            features[f"recent{name}_residual_{scale}"] = sum(
                weight[s] * signal[s] for s in stated
            ) / (sum(weight.values()) + 2)
    cosine = {s: dot(inputs.candidate_embedding, inputs.embedding, s) for s in there}
    audience = {s: dot(inputs.candidate_audience, inputs.audience, s) for s in there}
    content = {s: dot(inputs.candidate_content, inputs.content, s) for s in there}
    popular = {s: -distance(inputs.candidate_popularity, inputs.popularity, s) for s in there}
    scale = {s: -distance(inputs.candidate_scale, inputs.scale, s) for s in there}
    centred = {s: residual[s] - mean_residual for s in stated}
    centred_liked = {s: liked_residual[s] - mean_liked_residual for s in stated}
    for name, similarity, signal, sharpness, count in (
        ("similar_residual", cosine, centred, 4, 10),
        ("similar_residual", cosine, centred, 8, 20),
        ("similar_liked_residual", cosine, centred_liked, 4, 10),
        ("similar_liked_residual", cosine, centred_liked, 8, 20),
        ("audience_residual", audience, centred, 4, 10),
        ("audience_residual", audience, centred, 8, 20),
        ("audience_liked_residual", audience, centred_liked, 4, 10),
        ("audience_liked_residual", audience, centred_liked, 8, 20),
        ("content_residual", content, centred, 4, 20),
        ("content_residual", content, centred, 8, 20),
        ("as_popular_residual", popular, centred, 1, 3),
        ("as_popular_liked_residual", popular, centred_liked, 1, 3),
        ("on_scale_residual", scale, centred, 4, 3),
        ("on_scale_liked_residual", scale, centred_liked, 4, 3),
    ):
        weight = {s: math.exp(sharpness * similarity[s]) for s in stated}
        full_name = name if name.startswith(("as_", "on_")) else f"{name}_{sharpness}"
        features[full_name] = sum(weight[s] * signal[s] for s in stated) / (
            sum(weight.values()) + count
        )
    for space, similarity in (("", cosine), ("audience_", audience)):
        features[f"mean_{space}cosine"] = sum(similarity.values()) / (len(there) + 1)
        features[f"max_{space}cosine"] = max([*similarity.values(), 0.0])
        for name, wanted in (("liked", 1), ("disliked", 0)):
            own = [similarity[s] for s in stated if of(inputs.liked, s) == wanted]
            features[f"mean_{space}cosine_{name}"] = sum(own) / (len(own) + 2)
    features["log_item_age"] = math.log1p(float(inputs.candidate_age[request, candidate]))
    features["mean_content_cosine"] = sum(content.values()) / (len(there) + 1)
    return features


def fast_features(inputs: HistoryInputs) -> tuple[Array, Array]:
    user = history.user_features(inputs)
    return user, history.candidate_features(inputs, user)


@pytest.mark.parametrize("width", [0, WIDTH])
@pytest.mark.parametrize("seed", range(5))
def test_every_feature_equals_a_slow_loop(seed: int, width: int) -> None:
    inputs = random_inputs(seed, width=width)
    user, candidate = fast_features(inputs)
    assert user.dtype == candidate.dtype == np.float32
    for request in range(N_REQUESTS):
        for position in range(N_CANDIDATES):
            expected = slow_features(inputs, request, position)
            assert set(expected) == {*USER_NAMES, *CANDIDATE_NAMES}
            found = dict(zip(USER_NAMES, user[request].tolist(), strict=True))
            found |= dict(zip(CANDIDATE_NAMES, candidate[request, position].tolist(), strict=True))
            assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_full_history_that_is_like_nothing_has_a_largest_cosine_of_0():
    inputs = random_inputs(0, n_present=N_SLOTS)
    opposite = dataclasses.replace(
        inputs,
        embedding=np.abs(inputs.embedding),
        candidate_embedding=-np.abs(inputs.candidate_embedding),
    )
    _, candidate = fast_features(opposite)
    assert not candidate[:, :, CANDIDATE_NAMES.index("max_cosine")].any()
    assert (candidate[:, :, CANDIDATE_NAMES.index("mean_cosine")] < 0).all()


def test_an_empty_history_says_only_what_is_true_of_anyone():
    inputs = random_inputs(0, n_present=0)
    user, candidate = fast_features(inputs)
    expected = np.zeros_like(user)
    expected[:, USER_NAMES.index("mean_value")] = inputs.prior_value
    expected[:, USER_NAMES.index("liked_rate")] = inputs.prior_liked_rate
    expected[:, USER_NAMES.index("residual_spread")] = np.sqrt(inputs.prior_spread)
    np.testing.assert_allclose(user, expected, rtol=1e-6)
    of_anyone = np.zeros_like(candidate)
    of_anyone[:, :, CANDIDATE_NAMES.index("expected_value")] = inputs.candidate_mean_value
    of_anyone[:, :, CANDIDATE_NAMES.index("expected_liked")] = inputs.candidate_liked_rate
    of_anyone[:, :, CANDIDATE_NAMES.index("log_item_age")] = np.log1p(inputs.candidate_age)
    np.testing.assert_array_equal(candidate, of_anyone)


def test_more_empty_slots_change_nothing():
    inputs = random_inputs(3)
    padded = HistoryInputs(
        **{
            name: np.concatenate([array, np.zeros_like(array[:, :2])], axis=1)
            if name
            in (
                "present",
                "stated",
                "value",
                "liked",
                "embedding",
                "audience",
                "content",
                "kinds",
                "popularity",
                "scale",
            )
            else np.concatenate([array, array[:, :2]], axis=1)
            if name in ("mean_value", "liked_rate")
            else array
            for name, array in vars(inputs).items()
        }
    )
    for one, other in zip(fast_features(inputs), fast_features(padded), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_history_without_stated_values_counts_and_compares_but_does_not_rate():
    inputs = random_inputs(1, n_present=3)
    nothing = np.zeros_like(inputs.stated)
    silent = HistoryInputs(
        **{**vars(inputs), "stated": nothing, "value": nothing, "liked": nothing}
    )
    user, candidate = fast_features(silent)
    user_columns = dict(zip(USER_NAMES, user.T, strict=True))
    columns = dict(zip(CANDIDATE_NAMES, candidate.transpose(2, 0, 1), strict=True))
    np.testing.assert_allclose(user_columns["log_count"], math.log(4), rtol=1e-6)
    np.testing.assert_allclose(user_columns["mean_value"], inputs.prior_value, rtol=1e-6)
    assert not user_columns["mean_residual"].any()
    assert np.all(columns["mean_cosine"] != 0)
    for name in CANDIDATE_NAMES:
        if name != "expected_liked" and ("residual" in name or "liked" in name):
            assert not columns[name].any()
