# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest

from get_hf import augment, load_pretrained
from synthetic import CH_NAMES, make_raw, synthetic_eeg

CLASSES = {"left_fist": 7, "right_fist": 3}
RATE = 160.0


def make_epochs(n: int = 4, tmin: float = -2.0, tmax: float = 1.0, event_id=CLASSES, rate: float = RATE):
    """Trials of two classes in turn."""
    n_times = round((tmax - tmin) * rate) + 1
    data = np.stack([synthetic_eeg(n_times / rate, rate, len(CH_NAMES), seed) for seed in range(n)])
    codes = np.resize(list(event_id.values()), n)
    events = np.stack([1000 * np.arange(n), 0 * codes, codes], axis=1)
    info = mne.create_info(CH_NAMES, rate, "eeg")
    return mne.EpochsArray(data, info, events, tmin, event_id, verbose="ERROR")


@pytest.fixture(scope="module")
def pretrained(tiny_checkpoint):
    return load_pretrained(tiny_checkpoint)


def test_trials_continue_what_precedes_a_trial_of_their_class(pretrained):
    epochs = make_epochs()
    made = augment(epochs, 3, pretrained=pretrained)
    assert made.get_data().shape == (6, *epochs.get_data().shape[1:])
    assert made.event_id == CLASSES
    assert made.events[:, 2].tolist() == [7] * 3 + [3] * 3
    np.testing.assert_allclose(made.times, epochs.times)
    assert made.metadata["prompt"].tolist() == [0, 2, 0, 1, 3, 1]
    assert made.metadata["generated_draw"].tolist() == [0, 0, 1, 0, 0, 1]
    before, recorded = made.copy().crop(tmax=-0.1).get_data(), epochs.copy().crop(tmax=-0.1).get_data()
    for trial, prompt in zip(before, recorded[made.metadata["prompt"]], strict=True):
        assert np.corrcoef(trial.ravel(), prompt.ravel())[0, 1] > 0.9
    after = made.copy().crop(tmin=0).get_data()
    assert np.isfinite(after).all()
    assert np.abs(after[0] - after[2]).max() > 1e-7  # another draw


def test_after_rest_classes_share_stretches_and_noise(pretrained):
    rest = make_raw(13.0)
    epochs = make_epochs(tmin=0.25)
    made = augment(epochs, 2, rest=rest, pretrained=pretrained)
    assert made.tmin == 0.25
    assert made.metadata["prompt"].tolist() == [0, 2, 0, 2]
    left, right = made["left_fist"].get_data(), made["right_fist"].get_data()
    # the cue changes them, and they have their noise in common
    assert np.abs(left - right).max() > 0
    of_same, of_other = (np.corrcoef(left[0].ravel(), other.ravel())[0, 1] for other in right)
    assert of_same > 0.8 > of_other


def test_the_result_does_not_depend_on_the_batch(pretrained, monkeypatch):
    epochs, rest = make_epochs(tmin=0.0), make_raw(13.0)
    together = augment(epochs, 5, rest=rest, pretrained=pretrained)
    monkeypatch.setattr("get_hf.augmentation.BATCH_SIZE", 2)
    apart = augment(epochs, 5, rest=rest, pretrained=pretrained)
    keys = [list(map(tuple, made.metadata[["prompt", "generated_draw"]].to_numpy())) for made in (together, apart)]
    assert sorted(keys[0]) == sorted(keys[1])
    for name in CLASSES:
        one, other = (made[name] for made in (together, apart))
        order = one.metadata.reset_index(drop=True), other.metadata.reset_index(drop=True)
        order = [each.sort_values(["prompt", "generated_draw"]).index for each in order]
        np.testing.assert_allclose(one.get_data()[order[0]], other.get_data()[order[1]], atol=1e-9)


def test_the_seed_decides(pretrained):
    epochs = make_epochs()
    first, again, other = (augment(epochs, 1, seed=seed, pretrained=pretrained).get_data() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-7


def test_they_are_concatenated_and_saved_with_recorded_trials(pretrained, tmp_path):
    epochs = make_epochs()
    epochs.info["bads"] = ["Pz.."]
    made = augment(epochs, 2, pretrained=pretrained)
    assert made.info["bads"] == ["Pz.."]
    made.metadata = None  # as the recorded trials have none
    both = mne.concatenate_epochs([epochs, made], verbose="ERROR")
    assert both.event_id == CLASSES
    assert len(both["left_fist"]) == 4
    both.save(tmp_path / "both-epo.fif", verbose="ERROR")


def test_classes_have_names_of_their_own(pretrained):
    epochs = make_epochs(event_id={"T1": 1, "T2": 2})
    made = augment(epochs, 1, conditions={"T1": "left fist", "T2": "right fist"}, pretrained=pretrained)
    same = augment(make_epochs(), 1, pretrained=pretrained)
    assert made.event_id == {"T1": 1, "T2": 2}
    np.testing.assert_array_equal(made.get_data(), same.get_data())


def test_what_is_no_eeg_and_who_it_was_is_left_out(pretrained):
    epochs = make_epochs()
    epochs.info["subject_info"] = {"his_id": "Jane"}
    epochs.set_channel_types({"Fp1.": "eog"}, verbose="ERROR")
    rest = make_raw(5.0).reorder_channels(CH_NAMES[::-1])
    made = augment(epochs.crop(tmin=0), 1, rest=rest, pretrained=pretrained)
    assert made.ch_names == CH_NAMES[1:]
    assert not made.info["subject_info"]


def test_a_baseline_is_applied_to_generated_trials(pretrained):
    epochs = make_epochs().apply_baseline((-0.5, 0), verbose="ERROR")
    made = augment(epochs, 1, pretrained=pretrained)
    assert made.baseline == epochs.baseline
    np.testing.assert_allclose(made.copy().crop(-0.5, 0).get_data().mean(-1), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "mentions"),
    [
        ({"epochs": make_raw()}, "RawArray"),
        ({"n": 0}, "n must"),
        ({"n": 2.5}, "n must"),
        ({"n": True}, "n must"),
        ({"seed": -1}, "seed"),
        ({"epochs": make_epochs(tmin=0.0)}, "nothing before the cue"),
        ({"epochs": make_epochs(tmin=-1.0, tmax=-0.5)}, "before the cue"),
        ({"epochs": make_epochs(tmin=-0.1)}, "shorter than one patch"),
        ({"epochs": make_epochs()[[]]}, "no good epoch"),
        ({"rest": make_raw().set_annotations(mne.Annotations(0, 12, "BAD_"))}, "no good stretch"),
        ({"epochs": make_epochs(event_id={"T1": 1, "T2": 2})}, "T1"),
        ({"conditions": {"left_fist": "left_fist"}}, "right_fist"),
        ({"conditions": "left_fist"}, "mapping"),
        ({"conditions": {"left_fist": "asleep", "right_fist": "rest"}}, "asleep"),
        ({"prompt_condition": "asleep"}, "asleep"),
        ({"rest": "rest.edf"}, "rest must be"),
        ({"rest": make_raw(3.0)}, "3 s"),
        ({"rest": make_raw(rate=100.0)}, "100 Hz"),
        ({"rest": make_raw(ch_names=CH_NAMES[:3])}, "lacks"),
        ({"rest": make_epochs(tmin=-1.0, tmax=0.0)}, "begin at -2 s"),
        ({"temperature": -1.0}, "temperature"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(pretrained, change, mentions):
    arguments = {"epochs": make_epochs(), "n": 1, "pretrained": pretrained} | change
    with pytest.raises(ValueError, match=mentions) as error:
        augment(**arguments)
    assert "\n" not in str(error.value)
