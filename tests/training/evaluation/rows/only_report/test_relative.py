# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Features relative to the prompt find continuations that would pass after another prompt."""

import numpy as np

from get_hf.training.evaluation.rows.only_report.relative import relative_covariances, relative_features, relative_rows
from get_hf.training.evaluation.rows.two_sample import two_sample_rows
from get_hf.training.evaluation.table import Rows

RATE, SUBJECTS = 100.0, np.repeat(np.arange(6), 6)


def material() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Prompts, real continuations, other ones, and continuations as loud as a prompt of the same person's is not.

    Each item has a mixture of channels and a loudness of its own.
    """
    rng = np.random.default_rng(0)
    loudness = np.exp(rng.normal(0, 0.8, len(SUBJECTS)))[:, None, None]
    mixing = loudness * (np.eye(3) + 0.4 * rng.standard_normal((len(SUBJECTS), 3, 3)))
    prompt, real, other, wrong = (10 * mixing @ rng.standard_normal((len(SUBJECTS), 3, n)) for n in (800, *[1200] * 3))
    # within each person, the continuation of the next item
    return prompt, real, other, wrong.reshape(6, 6, 3, 1200)[:, [1, 2, 3, 4, 5, 0]].reshape(wrong.shape)


def judged(prompt: np.ndarray, real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    rows = Rows(SUBJECTS, n_bootstrap=5)
    relative_rows(rows, prompt, real, generated, RATE)
    two_sample_rows(rows, real, generated, RATE, ["boosting"])
    return {name: row["value"] for name, row in rows.table.items()}


def test_only_relative_rows_find_the_continuation_of_another_prompt():
    prompt, real, other, wrong = material()
    floor, swapped = judged(prompt, real, other), judged(prompt, real, wrong)
    name = "AUC relative to the prompt, boosting"
    assert all(0.35 < value < 0.65 for value in floor.values()), floor
    assert swapped["AUC everything, boosting"] < 0.65  # the same recordings as a set
    assert swapped[name] > 0.85
    assert set(floor) == {
        *("AUC relative to the prompt, logistic", name, "AUC log covariance relative to the prompt"),
        "AUC everything, boosting",
    }


def test_a_louder_continuation_is_found_by_all_three():
    prompt, real, other, _ = material()
    found = judged(prompt, real, 1.4 * other)
    assert min(value for name, value in found.items() if "relative" in name) > 0.9


def test_features_are_zero_where_the_continuation_repeats_the_prompt():
    prompt = material()[0]
    again = np.concatenate([prompt] * 2, axis=-1)
    features = relative_features(prompt[..., :200], again[..., :200], RATE)
    np.testing.assert_allclose(features, 0, atol=1e-9)
    vectors = relative_covariances(prompt[..., :400], again[..., :400], RATE)
    np.testing.assert_allclose(vectors, 0, atol=1e-6)
