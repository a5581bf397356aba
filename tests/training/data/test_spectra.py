# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import datasets
import numpy as np
import pytest

from get_hf.modeling.configuration_get import CONDITIONS
from get_hf.processing.montage_get import channel_positions
from get_hf.training.data.prepared import Prepared
from get_hf.training.data.segments import FEATURES
from get_hf.training.data.spectra import PANELS, Measured, alpha_of_closing, draw
from get_hf.training.data.spectra import measure as measure_prepared

RATE, PATCH = 100, 25
NAMES = ["Fp1", "Fp2", "C3", "Cz", "C4", "Pz", "O1", "Oz", "O2"]


def segment(signal: np.ndarray, conditions: list[str], ch_names=tuple(NAMES)) -> dict:
    """A row: `conditions` share its patches evenly, one after the other."""
    n_chans, n_times = signal.shape
    each = n_times // PATCH // max(1, len(conditions))
    per_patch = np.repeat([CONDITIONS.index(name) for name in conditions], each).astype(int)
    return {
        "signal": signal.ravel(),
        "ch_names": list(ch_names),
        "channel_positions": channel_positions(ch_names).ravel(),
        "sampling_rate": RATE,
        "n_chans": n_chans,
        "n_times": n_times,
        "conditions": per_patch,
    }


@pytest.fixture
def measure(tmp_path):
    """Measures rows, as if a corpus had been prepared that holds them."""

    def of(*rows: dict, progress=None) -> Measured:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        (folder / "data").mkdir(parents=True)
        features = datasets.Features({name: FEATURES[name] for name in rows[0]})
        dataset = datasets.Dataset.from_list(list(rows), features=features)
        for shard in range(len(rows)):
            name = f"train-{shard:05d}-of-{len(rows):05d}.parquet"
            dataset.shard(len(rows), shard).to_parquet(folder / "data" / name)
        known = (folder, "some", "", RATE, PATCH, list(CONDITIONS), {"train": len(rows)}, {}, [], {})
        return measure_prepared(Prepared(*known), progress)

    return of


def noise(n_times: int, microvolts=1.0, n_chans: int = len(NAMES), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_chans, n_times)).astype(np.float32) * microvolts


def test_white_noise_has_the_density_of_its_variance(measure):
    measured = measure(segment(noise(40_000, 10.0), ["rest"]))
    assert measured.frequencies[[0, -1]].tolist() == [1.0, 45.0]
    # 100 uV^2 over 50 Hz
    np.testing.assert_allclose(measured.spectra["rest"][0], 10 * np.log10(2.0), atol=0.6)
    assert measured.spectra["rest"][0].mean() == pytest.approx(10 * np.log10(2.0), abs=0.1)
    assert measured.amplitudes["rest"] == [pytest.approx(6.745, rel=0.02)]  # the quartile of a normal
    assert measured.seconds == {"rest": 400.0}


def test_a_sine_stands_where_it_should(measure):
    times = np.arange(12_000) / RATE
    wave = (20 * np.sin(2 * np.pi * 10 * times)).astype(np.float32)
    measured = measure(segment(np.tile(wave, (9, 1)), ["eyes_closed"]))
    density = 10 ** (measured.spectra["eyes_closed"][0] / 10)
    assert measured.frequencies[density.argmax()] == 10.0
    assert density.sum() * 0.5 == pytest.approx(20**2 / 2, rel=0.01)


def test_conditions_within_one_segment_are_separated(measure):
    loud, quiet = noise(2000, 30.0), noise(2000, 3.0, seed=1)
    measured = measure(segment(np.hstack([loud, quiet]), ["left_fist", "rest"]))
    assert measured.conditions() == ["rest", "left_fist"]
    assert measured.seconds == {"left_fist": 20.0, "rest": 20.0}
    for name, microvolts in (("left_fist", 30.0), ("rest", 3.0)):
        # a window across the border would lift the quiet one by far more
        expected = 10 * np.log10(2 * microvolts**2 / RATE)
        assert measured.spectra[name][0].mean() == pytest.approx(expected, abs=0.4)
        assert measured.amplitudes[name] == [pytest.approx(0.6745 * microvolts, rel=0.1)]


def test_a_stretch_shorter_than_a_window_counts_but_has_no_spectrum(measure):
    measured = measure(segment(noise(150), ["seizure"]), segment(noise(400), ["rest"]))
    assert measured.seconds == {"seizure": 1.5, "rest": 4.0}
    assert len(measured.amplitudes["seizure"]) == 1
    assert set(measured.spectra) == {"rest"}


def test_unusable_recordings_do_not_count(measure):
    empty = segment(np.empty((0, 0), np.float32), [], ())
    seen = []
    measured = measure(empty, segment(noise(400), ["rest"]), progress=lambda *counts: seen.append(counts))
    assert measured.seconds == {"rest": 4.0}
    assert seen == [(1, 2), (2, 2)]
    with pytest.raises(ValueError, match="none of the 1 segments"):
        measure(empty)


def test_closing_the_eyes_is_seen_where_it_raises_alpha(measure):
    times = np.arange(6000) / RATE
    wave = 15 * np.sin(2 * np.pi * 10 * times)
    back = np.array([name in ("O1", "Oz", "O2") for name in NAMES])[:, None]
    rows = [
        segment(noise(6000, 5.0), ["eyes_open"]),
        segment((noise(6000, 5.0, seed=1) + back * wave).astype(np.float32), ["eyes_closed"]),
    ]
    closing = alpha_of_closing(measure(*rows))
    assert min(closing[name] for name in ("O1", "Oz", "O2")) > 6
    assert all(abs(closing[name]) < 2 for name in NAMES if name[0] != "O")
    assert alpha_of_closing(measure(rows[0])) == {}


def test_bipolar_and_few_channels_have_no_map(measure):
    bipolar = ["Fp1-F7", "F7-T7", "T7-P7", "P7-O1", "Fp2-F8", "F8-T8", "T8-P8", "P8-O2", "Fz-Cz"]
    for names in (bipolar, NAMES[:7]):
        rows = [segment(noise(400, n_chans=len(names)), [c], names) for c in ("eyes_open", "eyes_closed")]
        assert alpha_of_closing(measure(*rows)) == {}


def test_every_condition_has_a_colour_and_a_line_of_its_own_in_its_panel():
    assert sorted(name for styles in PANELS.values() for name in styles) == sorted(CONDITIONS)
    for styles in PANELS.values():
        assert len({colour for colour, _ in styles.values()}) == len({line for _, line in styles.values()})
        assert len({colour for colour, _ in styles.values()}) == len(styles)


@pytest.mark.parametrize("conditions", [["none"], ["eyes_open", "eyes_closed"], list(CONDITIONS)])
def test_the_picture_is_drawn_and_the_same_again(measure, tmp_path, conditions):
    measured = measure(*(segment(noise(800, seed=i), [name]) for i, name in enumerate(conditions)))
    draw(measured, tmp_path / "one.png")
    draw(measured, tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
