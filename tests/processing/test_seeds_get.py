# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import mne
import numpy as np
import pytest

from get_hf.processing.seeds_get import seed_of_samples, seeds_of_people
from small import NAMES, RATE, as_raw, signal


def seeds(read, recording, **kwargs) -> list[int]:
    return read(recording, **kwargs)["noise_seed"].tolist()


def test_each_recording_has_its_own(read):
    found = seeds(read, np.stack([signal(seed=seed) for seed in range(4)]))
    assert len(set(found)) == 4
    assert all(0 <= seed < 2**63 for seed in found)


def test_one_sample_is_enough_to_make_another(read):
    x = signal()
    y = x.copy()
    y[1, 70] += 0.5
    assert seeds(read, x) != seeds(read, y)


def test_it_is_of_the_samples_alone(read, extractor):
    x = signal()
    (alone,) = seeds(read, x)
    assert seeds(read, x, condition="eyes_closed") == [alone]
    assert seeds(read, x, ch_names=["Fp1", "Fp2", "O1", "O2"]) == [alone]
    assert seeds(read, x, context_seconds=2.0) == [alone]
    assert seeds(read, [signal(9.0, seed=1), x])[1] == alone  # padded, and with a neighbour
    assert extractor([as_raw(x), as_raw(signal(n_chans=2), NAMES[:2])])["noise_seed"][0] == alone


@pytest.mark.parametrize("resolution", [0.0, 1.0, 0.5, 0.1, 125 / 1024, 0.03125, 2000 / 65535, 0.04888])
def test_the_unit_makes_no_difference(read, extractor, resolution):
    x = signal() if not resolution else resolution * np.round(signal() / resolution)
    (as_microvolts,) = seeds(read, x)
    assert seeds(read, x * 1e-6, unit="V") == [as_microvolts]
    assert seeds(read, x * 1e-3, unit="mV") == [as_microvolts]
    assert extractor(as_raw(x))["noise_seed"].tolist() == [as_microvolts]
    events = np.array([[0, 0, 1]])
    epochs = mne.EpochsArray(1e-6 * x[None], mne.create_info(NAMES, RATE, "eeg"), events=events, verbose="error")
    assert extractor(epochs)["noise_seed"].tolist() == [as_microvolts]


def test_samples_of_a_bad_channel_do_not_matter(read, extractor):
    x = signal()
    y = x.copy()
    y[2] = 0.0
    marked = []
    for data in (x, y):
        raw = as_raw(data)
        raw.info["bads"] = [NAMES[2]]
        with pytest.warns(UserWarning, match="masked"):
            marked.append(extractor(raw)["noise_seed"].tolist())
    assert marked[0] == marked[1] != seeds(read, x)


def test_from_nothing_it_follows_from_the_number_of_the_person(extractor):
    ones = extractor(ch_names=NAMES, person=[0, 1, None])["noise_seed"].tolist()
    assert len(set(ones)) == 3
    assert ones == extractor(ch_names=["O1", "O2"], person=[0, 1, None], condition="eyes_open")["noise_seed"].tolist()
    assert extractor(ch_names=NAMES, person=1)["noise_seed"].tolist() == ones[1:2]
    assert extractor(ch_names=NAMES)["noise_seed"].tolist() == ones[2:]


def test_a_repeated_virtual_person_gives_another_recording_each_time():
    found = seeds_of_people([1, None, 1, 1, None])
    assert len(set(found)) == 5
    assert found[0] == seeds_of_people([1])[0]


def test_a_pinned_value():
    """Published figures depend on it."""
    assert seed_of_samples(np.arange(12.0).reshape(3, 4)) == 8655402605828872973
