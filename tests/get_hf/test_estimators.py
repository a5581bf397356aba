# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET as estimators of scikit-learn, on epochs and arrays."""

import pickle
import subprocess
import sys
import warnings

import mne
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from transformers import AutoModelForSequenceClassification, pipeline

from get_hf import GETClassifier, GETEmbedder, GETFeatureExtractor, GETForSequenceClassification

NAMES, RATE, SECONDS = ["C3", "Cz", "C4"], 100.0, 1.0
ARRAYS = {"sampling_rate": RATE, "ch_names": NAMES, "unit": "uV"}


def trials(n_epochs: int = 24, seed: int = 0, names=NAMES) -> tuple[np.ndarray, np.ndarray]:
    """Noise in microvolts that is weaker over the right (left) half of the head in trials of "left" ("right")."""
    rng = np.random.default_rng(seed)
    x = 10 * rng.standard_normal((n_epochs, len(names), round(SECONDS * RATE)))
    y = np.array(["left", "right"])[np.arange(n_epochs) % 2]
    x[y == "left", names.index("C4")] /= 2
    x[y == "right", names.index("C3")] /= 2
    return x, y


def as_epochs(x: np.ndarray, y: np.ndarray, names=NAMES) -> mne.EpochsArray:
    codes = {"left": 1, "right": 2}
    events = np.array([[1000 * index, 0, codes[name]] for index, name in enumerate(y)])
    info = mne.create_info(list(names), RATE, "eeg")
    return mne.EpochsArray(1e-6 * x, info, events, event_id=codes, verbose="error")


@pytest.fixture(scope="module")
def fitted(tiny_checkpoint) -> GETClassifier:
    return GETClassifier(tiny_checkpoint, **ARRAYS).fit(*trials())


@pytest.fixture(scope="module")
def of_epochs(tiny_checkpoint) -> GETClassifier:
    return GETClassifier(tiny_checkpoint).fit(as_epochs(*trials()))


def test_it_tells_left_from_right_in_trials_that_it_has_not_seen(fitted):
    x, y = trials(seed=1)
    assert fitted.classes_.tolist() == ["left", "right"]
    assert fitted.score(x, y) >= 0.8
    probabilities = fitted.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(-1), 1)
    assert (fitted.classes_[probabilities.argmax(-1)] == fitted.predict(x)).all()


def test_epochs_bring_their_classes_and_give_the_result_of_the_array(fitted, of_epochs):
    x, y = trials(seed=1)
    epochs = as_epochs(x, y)
    assert of_epochs.classes_.tolist() == ["left", "right"]
    assert of_epochs.score(epochs) == fitted.score(x, y)
    np.testing.assert_allclose(of_epochs.predict_proba(epochs), fitted.predict_proba(x), atol=1e-3)
    in_volts = clone(fitted).set_params(unit="V").fit(1e-6 * trials()[0], y)
    np.testing.assert_allclose(in_volts.predict_proba(1e-6 * x), fitted.predict_proba(x), atol=1e-3)


def test_other_channels_can_be_classified(of_epochs):
    names = ["Fz", "C4", "C3", "Pz"]
    x, y = trials(seed=1, names=names)
    assert of_epochs.score(as_epochs(x, y, names)) >= 0.7


def test_several_classes_of_any_type(tiny_checkpoint):
    x, y = trials()
    y = np.where(np.arange(len(y)) < 8, 7, np.where(y == "left", 3, 5))
    classifier = GETClassifier(tiny_checkpoint, **ARRAYS, strength=1.0).fit(x, y)
    assert classifier.classes_.tolist() == [3, 5, 7]
    assert classifier.predict_proba(x).shape == (len(x), 3)
    assert set(classifier.predict(x)) <= {3, 5, 7}


def test_a_clone_has_its_parameters_and_a_pickle_its_fit(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    x, _ = trials(seed=1)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))


def test_it_is_saved_as_a_checkpoint_that_the_pipeline_loads(of_epochs, tmp_path):
    of_epochs.save_pretrained(tmp_path)
    classify = pipeline("eeg-classification", model=str(tmp_path))
    epochs = as_epochs(*trials(seed=1))
    expected = of_epochs.predict_proba(epochs)
    for row, (left, right) in zip(classify(epochs), expected, strict=True):
        assert {each["label"]: each["score"] for each in row} == pytest.approx(
            {"left": left, "right": right}, abs=1e-4
        )
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert type(model) is GETForSequenceClassification
    assert model.config.id2label == {0: "left", 1: "right"}
    assert (model.config.window_seconds, model.config.training_channels) == (SECONDS, NAMES)
    assert GETFeatureExtractor.from_pretrained(tmp_path).calibrate_on == "all"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classify(epochs)
    elsewhere = epochs.copy().rename_channels(dict(zip(NAMES, ("Fp1", "Fpz", "Fp2", "AF3"), strict=False)))
    for use in (classify, of_epochs.predict):
        with pytest.warns(UserWarning, match="share only 0% of their regions"):
            use(elsewhere)
    # and another classifier starts from it
    again = GETClassifier(tmp_path, strength=of_epochs.strength_).fit(as_epochs(*trials()))
    np.testing.assert_allclose(again.predict_proba(epochs), expected, atol=1e-3)


def test_full_trains_all_weights_the_same_for_the_same_seed(tiny_checkpoint, fitted):
    x, y = trials()
    full = GETClassifier(tiny_checkpoint, "full", **ARRAYS, epochs=2, random_state=3)
    first, second, other = (clone(full).set_params(random_state=seed).fit(x, y).predict_proba(x) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-6
    changed = full.fit(x, y).model_.backbone.state_dict()
    assert any(not weight.equal(changed[name]) for name, weight in fitted.model_.backbone.state_dict().items())
    assert full.score(*trials(seed=1)) >= 0.8


def test_with_a_calibration_epochs_can_be_classified_one_by_one(tiny_checkpoint):
    classifier = GETClassifier(tiny_checkpoint, **ARRAYS).fit(*trials())
    x, _ = trials(seed=1)
    rest = np.concatenate(list(trials(seed=2)[0]), axis=-1)
    together = classifier.calibrate(rest).predict_proba(x)
    alone = np.concatenate([classifier.predict_proba(x[index : index + 1]) for index in range(3)])
    np.testing.assert_allclose(alone, together[:3], atol=1e-5)
    with pytest.raises(ValueError, match=r"groups and calibrate\(\)"):
        classifier.predict(x, groups=np.zeros(len(x)))
    classifier.calibrate(None)
    assert np.abs(classifier.predict_proba(x) - together).max() > 1e-4


def test_each_session_is_calibrated_by_itself(fitted):
    (first, _), (second, _) = trials(seed=1), trials(seed=2)
    second = 3 * second
    mixed = np.empty((2 * len(first), *first.shape[1:]))
    mixed[::2], mixed[1::2] = first, second
    together = fitted.predict_proba(mixed, groups=["a", "b"] * len(first))
    np.testing.assert_allclose(together[::2], fitted.predict_proba(first), atol=1e-5)
    np.testing.assert_allclose(together[1::2], fitted.predict_proba(second), atol=1e-5)


def test_an_embedder_gives_features_to_other_estimators(tiny_checkpoint):
    x, y = trials()
    epochs = as_epochs(x, y)
    decoder = make_pipeline(GETEmbedder(tiny_checkpoint), LogisticRegression(max_iter=1000))
    assert decoder.fit(epochs, y).score(as_epochs(*trials(seed=1)), trials(seed=1)[1]) >= 0.8
    embedder = decoder[0]
    features = embedder.transform(epochs)
    names = embedder.get_feature_names_out()
    assert features.shape == (len(x), len(set(names)))
    assert (features.dtype, names[0]) == (np.float32, "state_0 1")
    # the power of the second half of the coefficients, weighted by x: right minus left
    right_minus_left = [name.startswith("power_") and name.endswith(" x") for name in names]
    lateral = features[:, right_minus_left].mean(-1)
    assert lateral[y == "left"].mean() < lateral[y == "right"].mean()


def test_cross_validation_of_scikit_learn_takes_epochs(tiny_checkpoint):
    x, y = trials()
    classifier = GETClassifier(tiny_checkpoint, strength=0.01)
    assert cross_val_score(classifier, as_epochs(x, y), y, cv=2).mean() >= 0.8


def test_without_scikit_learn_one_sentence_says_what_to_install():
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import get_hf\n"
        "try:\n    get_hf.GETClassifier\n"
        "except ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == 'GETClassifier needs scikit-learn: pip install "get-hf[estimators]".\n', done.stderr


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (trials(4)[0][0], list("abab")[:3], "X has 2 axes: give mne.Epochs"),
        (trials(4)[0], list("aaaa"), "the one class a"),
        (trials(4)[0], list("aba"), "inconsistent numbers of samples"),
        (trials(4)[0], None, "requires y to be passed"),
        (np.full((4, 3, 100), np.nan), list("abab"), "NaN"),
    ],
)
def test_bad_epochs_are_refused(tiny_checkpoint, x, y, expected):
    with pytest.raises(ValueError, match=expected):
        GETClassifier(tiny_checkpoint, **ARRAYS).fit(x, y)


def test_a_few_trials_of_a_new_person_adapt_a_classifier_instead_of_replacing_it(fitted, tmp_path):
    fitted.save_pretrained(tmp_path / "classifier")
    known, _ = trials(seed=2)
    same = GETClassifier(tmp_path / "classifier", method="adapt", strength=1e-12, **ARRAYS).fit(*trials(8, seed=3))
    np.testing.assert_allclose(same.predict_proba(known), fitted.predict_proba(known), atol=1e-4)
    x, y = trials(8, seed=3)
    turned = np.where(y == "left", "right", "left")  # a person whose hemispheres are the other way around
    adapted = GETClassifier(tmp_path / "classifier", method="adapt", strength=10.0, **ARRAYS).fit(x, turned)
    other, labels = trials(seed=4)
    assert (adapted.predict(other) == np.where(labels == "left", "right", "left")).mean() > 0.7


def test_classes_keep_their_names_whatever_their_order_in_the_checkpoint(fitted, tmp_path):
    fitted.save_pretrained(tmp_path / "classifier")
    model = GETForSequenceClassification.from_pretrained(tmp_path / "classifier")
    model.config.id2label, model.config.label2id = {0: "right", 1: "left"}, {"right": 0, "left": 1}
    model.classifier.weight.data, model.classifier.bias.data = (
        tensor.flip(0) for tensor in (model.classifier.weight.data, model.classifier.bias.data)
    )
    model.save_pretrained(tmp_path / "classifier")
    x, _ = trials(seed=5)
    adapted = GETClassifier(tmp_path / "classifier", method="adapt", strength=1e-12, **ARRAYS).fit(*trials(4))
    assert (adapted.predict(x) == fitted.predict(x)).all()


@pytest.mark.parametrize("checkpoint", [None, "fists"])
def test_only_a_classifier_of_the_same_classes_is_adapted(checkpoint):
    with pytest.raises(ValueError, match=r"needs .* a classifier of left, right, and .* name another"):
        GETClassifier(checkpoint, method="adapt", **ARRAYS).fit(*trials(4))
