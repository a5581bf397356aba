# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import mne
import numpy as np
import pytest
import scipy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from get_hf.processing.blinks_get import N_AFTER, N_BEFORE, SHORTEST_INTERVAL, BlinkPopulation
from get_hf.processing.event_streams_get import BlinkStream, EventStream
from get_hf.processing.events_get import Events
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.population_get import harmonics
from get_hf.training.evaluation.recordings import CHANNELS
from get_hf.training.pretraining.blinks import fit_blinks
from get_hf.training.pretraining.population import fit_feature_extractor

POSITIONS = channel_positions(list(CHANNELS))
PATCH = 25
TIMES = np.arange(-N_BEFORE, N_AFTER)
BUMP = np.exp(-0.5 * (TIMES / 6.8) ** 2)
UNDERSHOOT = -0.3 * np.exp(-np.maximum(TIMES, 0) / 25) * (1 - np.exp(-np.maximum(TIMES, 0) / 10)) * (TIMES > 0)
SHAPE = BUMP + UNDERSHOOT
#: How blinks fade over the scalp here: by the distance from the eyes, faster than the first guess has it.
TOPOGRAPHY = np.exp(-np.arccos(np.clip(POSITIONS[:, :3] @ [0.0, 0.98, -0.2], -1, 1)) / 0.6)
TOPOGRAPHY /= TOPOGRAPHY[:2].mean()


def background(seconds: float, seed: int, scale: float = 15.0) -> np.ndarray:
    """Slow Gaussian waves, alike in neighbours, microvolts."""
    noise = np.random.default_rng(seed).standard_normal((len(CHANNELS), round(100 * seconds) + 200))
    angles = np.arccos(np.clip(POSITIONS[:, :3] @ POSITIONS[:, :3].T, -1, 1))
    mixed = np.linalg.cholesky(np.exp(-angles) + 0.1 * np.eye(len(CHANNELS))) @ noise
    waves = scipy.signal.lfilter([1.0], [1.0, -0.9], mixed, axis=-1)[:, 200:]
    return scale * waves / waves.std()


def with_blinks(x: np.ndarray, peaks, amplitudes, topography: np.ndarray = TOPOGRAPHY) -> np.ndarray:
    x = x.copy()
    for peak, amplitude in zip(peaks, amplitudes, strict=True):
        first, last = peak - N_BEFORE, peak + N_AFTER
        shape = SHAPE[max(0, -first) : len(SHAPE) - max(0, last - x.shape[1])]
        x[:, max(0, first) : last] += amplitude * np.outer(topography, shape)
    return x


def person(seed: int, seconds: float = 60.0, rate: float = 0.3, amplitude: float = 200.0):
    """A recording of somebody who blinks `rate` times a second, and the peaks."""
    rng = np.random.default_rng(seed)
    peaks = np.cumsum(0.6 + rng.exponential(1 / rate - 0.6, round(3 * rate * seconds)))
    peaks = (100 * peaks[peaks < seconds - 1.5]).astype(int) + N_BEFORE
    return with_blinks(background(seconds, seed), peaks, amplitude * np.exp(rng.normal(0, 0.2, len(peaks)))), peaks


def blinking(population: BlinkPopulation, conditions: list[str]) -> GETFeatureExtractor:
    """A feature extractor to which nothing but blinks was fitted."""
    generic = GETFeatureExtractor()
    return generic.but(conditions=conditions, population=replace(generic.population, blinks=population))


@pytest.fixture(scope="module")
def population() -> BlinkPopulation:
    """Of 16 people, of whom half have their eyes closed (id 1) and blink a fifth as often."""
    people = [
        (person(seed, rate=0.3 if seed % 2 else 0.06)[0], POSITIONS, np.full(240, 1 - seed % 2)) for seed in range(16)
    ]
    return fit_blinks(people, n_conditions=3, patch_size=PATCH)


@pytest.fixture(scope="module")
def fitted() -> GETFeatureExtractor:
    """A feature extractor that was fitted to eight people who blink."""
    return fit_feature_extractor([(person(seed, 40)[0], POSITIONS) for seed in range(8)], patch_size=PATCH)


def events_of(extractor: GETFeatureExtractor, x: np.ndarray) -> Events:
    """Heartbeats and blinks of a recording."""
    return Events.find(x, POSITIONS, extractor.population.blinks, extractor.transform.slow_covariance(POSITIONS))


class TestPopulation:
    def test_it_learns_shape_topography_and_size(self, population):
        assert np.corrcoef(population.shape, SHAPE)[0, 1] > 0.98
        assert (np.asarray(population.shape) > 0.5).sum() == pytest.approx((SHAPE > 0.5).sum(), abs=2)
        assert np.argmax(population.shape) == pytest.approx(N_BEFORE, abs=1)
        np.testing.assert_allclose(harmonics(POSITIONS) @ population.topography, TOPOGRAPHY, atol=0.12)
        typical = np.asarray(population.traits)[:, 0] + population.slopes[0] * np.log(12)
        assert ((np.exp(typical) > 130) & (np.exp(typical) < 260)).all()
        assert np.std(population.within, axis=0)[0] == pytest.approx(0.2, abs=0.08)
        assert (np.diff(population.within[:, 0]) >= 0).all()

    def test_it_learns_how_often_people_blink_in_each_condition(self, population):
        opened, closed, never_seen = population.rates
        assert opened == pytest.approx(0.3 / 4, rel=0.25)
        assert closed == pytest.approx(0.06 / 4, rel=0.5)
        assert closed < never_seen < opened

    def test_without_blinks_there_is_none(self):
        people = [(background(30, seed), POSITIONS, np.zeros(120, dtype=int)) for seed in range(4)]
        assert fit_blinks(people, 1, PATCH) is None

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"shape": [0.0] * 7}, "shape of blinks must be finite numbers of shape"),
            ({"topography": "everywhere"}, "topography of blinks must be finite numbers"),
            ({"rates": [0.1]}, "rates of blinks must be finite numbers of shape"),
            ({"rates": [0.1], "concentrations": [1.0], "traits": [[5.0, 0.0, 1.0]]}, "with 3 conditions"),
            ({"traits": 5.0}, "traits of blinks must be finite numbers"),
            ({"within": []}, "within of blinks must be finite numbers"),
            ({"between": [0.3, 0.0, 0.1]}, "positive concentrations and between"),
            ({"rates": [0.1, -0.1, 0.1]}, "rates that are not negative"),
            ({"concentrations": [1.0, 0.0, 1.0]}, "positive concentrations"),
            ({"concentrations": [float("nan")] * 3}, "finite numbers"),
        ],
        ids=str,
    )
    def test_an_invalid_population_is_refused_in_one_sentence(self, population, change, expected):
        with pytest.raises(ValueError, match=expected) as error:
            replace(population, **change).check(3)
        assert "\n" not in str(error.value)


def test_the_late_part_of_a_blink_is_learnt_and_removed():
    """At the vertex a blink comes six samples later than at the forehead."""
    rng = np.random.default_rng(0)
    vertex = np.exp(-np.arccos(np.clip(POSITIONS[:, :3] @ [0.0, 0.3, 0.95], -1, 1)))
    late = np.roll(SHAPE, 6) - SHAPE
    recordings, sources = [], []
    for seed in range(300, 312):
        quiet = background(60, seed, 10.0)
        peaks = np.arange(150, 5800, 240) + rng.integers(-30, 30, 24)
        x = with_blinks(quiet, peaks, [200.0] * 24)
        for peak in peaks:
            x[:, peak - N_BEFORE : peak + N_AFTER] += 60 * np.outer(vertex, late)
        recordings.append((x, POSITIONS, np.zeros(240, int)))
        sources.append(quiet)
    population = fit_blinks(recordings, 1, PATCH)
    learnt = np.outer(harmonics(POSITIONS) @ population.late_topography, population.late_shape)
    cz = CHANNELS.index("Cz")
    assert np.corrcoef(learnt[cz, 20:110], late[20:110])[0, 1] > 0.8
    found = population.find(recordings[0][0], POSITIONS)
    error = np.linalg.norm(recordings[0][0] - found.signal - sources[0], axis=-1)[cz]
    without = replace(population, late_shape=np.zeros(N_BEFORE + N_AFTER)).find(recordings[0][0], POSITIONS)
    assert error < 0.7 * np.linalg.norm(recordings[0][0] - without.signal - sources[0], axis=-1)[cz]
    following = BlinkStream(population, found, [0]).push(rng.standard_normal((20, 400, PATCH)), [0] * 400)
    assert np.abs(following[1]).max() > 50


class TestFinding:
    def test_blinks_are_found_when_they_are_as_large_as_they_are(self, population):
        x, peaks = person(101)
        found = population.find(x, POSITIONS)
        assert len(found.events) == pytest.approx(len(peaks), abs=1)
        distances = np.abs(found.events[:, :1] - peaks).min(axis=1)
        assert np.median(distances) <= 2
        assert 150 < np.median(found.events[:, 1]) < 250

    def test_removing_blinks_restores_the_signal_without_them(self, population):
        x, _ = person(102)
        clean = background(60, 102)
        found = population.find(x, POSITIONS)
        assert np.exp(np.mean(np.log(found.events[:, 2]))) == pytest.approx(1, abs=0.1)
        left = x - found.signal
        assert np.linalg.norm(left - clean) < 0.35 * np.linalg.norm(x - clean)
        kurtosis = scipy.stats.kurtosis(np.stack([x[0], left[0], clean[0]]), axis=-1)
        assert kurtosis[0] > 4
        assert kurtosis[1] < 0.5
        np.testing.assert_allclose(left.std(axis=-1), clean.std(axis=-1), rtol=0.1)

    def test_the_topography_is_the_recordings_own(self, population):
        own = TOPOGRAPHY.copy()
        own[0] = 0.0  # Fp1 is loose
        peaks = np.arange(150, 2900, 250)
        x = with_blinks(background(30, 5), peaks, [200.0] * len(peaks), own)
        found = population.find(x, POSITIONS, np.cov(background(30, 6)))
        scale = found.topographies[:, 0] @ own / (own @ own)
        np.testing.assert_allclose(found.topographies[:, 0], scale * own, atol=0.1)

    def test_a_dead_electrode_gets_no_blinks(self, population):
        x = with_blinks(background(8, 8), [400], [200.0])
        x[0] *= -0.05
        found = population.find(x, POSITIONS, np.cov(background(60, 7)))
        assert -0.1 < found.topographies[0, 0] < 0
        assert found.topographies[1, 0] > 0.7
        patches = np.random.default_rng(0).standard_normal((20, 400, PATCH))
        following = BlinkStream(population, found).push(patches, [0] * 400)
        assert following[0].max() > 100

    def test_few_are_seen_where_there_are_none(self, population):
        noise = np.cov(background(60, 7))
        assert sum(len(population.find(background(60, seed), POSITIONS, noise).events) for seed in range(48)) <= 6

    def test_eyes_that_no_electrode_sees_do_not_blink(self, population):
        rows = [CHANNELS.index(name) for name in ("P3", "Pz", "P4", "O1", "Oz", "O2")]
        x, _ = person(103)
        found = population.find(x[rows], POSITIONS[rows], np.cov(background(60, 7)[rows]))
        assert not found.signal.any()
        assert not BlinkStream(population, found, [0]).push(np.ones((6, 40, PATCH)), [0] * 40).any()

    @settings(max_examples=20, deadline=None)
    @given(st.integers(1, 300), st.integers(0, 100))
    def test_recordings_of_any_length_are_looked_at(self, population, n_times, seed):
        x = person(104)[0][:, seed : seed + n_times]
        found = population.find(x, POSITIONS, np.cov(background(60, 7)))
        assert found.signal.shape == x.shape
        assert np.isfinite(found.courses).all()

    def test_the_order_of_channels_does_not_matter(self, population):
        order = np.random.default_rng(0).permutation(len(CHANNELS))
        x, _ = person(105)
        noise = np.cov(background(60, 7))
        found = population.find(x, POSITIONS, noise).signal
        permuted = population.find(x[order], POSITIONS[order], noise[np.ix_(order, order)]).signal
        np.testing.assert_allclose(permuted, found[order], atol=1e-6)


class TestContinuing:
    def patches(self, n: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal((len(CHANNELS), n, PATCH))

    def course(self, population, patches, rate: float = 0.075, known=None) -> np.ndarray:
        population = replace(population, rates=[rate] * 3, concentrations=[1e9] * 3)  # nobody blinks more than others
        known = known or population.unprompted(POSITIONS, np.cov(background(60, 7)))
        return BlinkStream(population, known, [0]).push(patches, [0] * patches.shape[1])[0]

    def n_blinks(self, course: np.ndarray) -> int:
        return len(scipy.signal.find_peaks(course, height=40, distance=SHORTEST_INTERVAL)[0])

    @pytest.mark.parametrize("rate", [0.01, 0.075, 0.2])
    def test_it_blinks_as_often_as_it_should(self, population, rate):
        course = self.course(population, self.patches(20_000), rate)
        assert self.n_blinks(course) == pytest.approx(20_000 * rate, rel=0.12)

    @pytest.mark.parametrize("scale", [0.6, 1.5])
    def test_how_loud_the_patches_are_makes_no_difference_to_that(self, population, scale):
        course = self.course(population, scale * self.patches(20_000))
        assert self.n_blinks(course) == pytest.approx(1500, rel=0.12)

    def test_patches_of_no_noise_do_not_blink(self, population):
        assert not self.course(population, 0 * self.patches(200)).any()

    def test_patches_decoded_one_by_one_blink_as_all_at_once(self, population):
        patches = self.patches(200)
        whole = self.course(population, patches)
        assert whole.any()
        for n in (1, 50, 199):
            np.testing.assert_allclose(self.course(population, patches[:, :n]), whole[: n * PATCH], atol=1e-9)
        np.testing.assert_allclose(self.course(population, patches.astype(np.float32)), whole, atol=0.1)

    def test_a_blink_that_the_recording_ends_in_fades(self, population):
        peak = 2980
        x = with_blinks(background(30, 9), [500, 1200, 2100, peak], [250.0] * 4)
        known = population.find(x, POSITIONS, np.cov(background(60, 7)))
        following = self.course(population, self.patches(8), 0.0, known)
        expected = 250 * SHAPE[N_BEFORE + 3000 - peak :]
        n = min(len(expected), len(following))
        assert np.linalg.norm(following[:n] - expected[:n]) < 0.5 * np.linalg.norm(expected[:n])

    def test_strong_and_frequent_blinks_continue(self, population):
        rates, sizes = [], []
        for amplitude, rate in ((120.0, 0.15), (350.0, 0.6)):
            known = population.find(person(110, 30, rate, amplitude)[0], POSITIONS, np.cov(background(60, 7)))
            rates.append(population.rates_of(known, [0], [0], PATCH)[0])
            course = self.course(population, self.patches(4000), 0.05, known)
            sizes.append(np.median(course[scipy.signal.find_peaks(course, height=40, distance=30)[0]]))
        assert rates[1] > 1.4 * rates[0]  # drawn towards the population, where all blink alike
        assert 100 < sizes[0] < 190  # four blinks are drawn towards the usual 200 uV
        assert sizes[1] == pytest.approx(350, rel=0.25)

    def test_blinks_differ_from_a_persons_usual_one_as_blinks_were_seen_to(self, population):
        """Here one in four is half as large and half as wide again."""
        within = [[-np.log(2), np.log(1.5), 0.0]] + [[0.0, 0.0, 0.0]] * 3
        course = self.course(replace(population, within=within), self.patches(20_000), 0.02)
        found = scipy.signal.find_peaks(course, height=20, distance=150, width=1)[1]
        usual = np.median(found["peak_heights"])
        small = found["peak_heights"] < 0.75 * usual
        assert small.mean() == pytest.approx(0.25, abs=0.06)
        assert np.median(found["peak_heights"][small]) == pytest.approx(usual / 2, rel=0.1)
        assert np.median(found["widths"][small]) == pytest.approx(1.5 * np.median(found["widths"][~small]), rel=0.1)

    def test_closed_eyes_blink_as_closed_eyes_do(self, population):
        traits = np.tile(population.traits[0], (3, 1))
        traits[1, 0] -= 1.0
        smaller = replace(population, traits=traits, between=[1.0, 1.0, 1.0])
        known = smaller.find(person(112)[0], POSITIONS, np.cov(background(60, 7)))
        opened, closed = smaller.traits_of(known, [0], [0, 1])
        np.testing.assert_allclose(opened - closed, [1.0, 0.0, 0.0], atol=1e-9)
        # who blinks with closed eyes as strongly as others with open ones does more so with open ones
        strong = smaller.traits_of(known, [1], [0])[0]
        assert strong[0] - opened[0] == pytest.approx(1.0, abs=0.1)
        assert 100 < np.exp(opened[0]) < 300

    def test_every_virtual_person_has_their_own_blinks(self, population):
        varied = replace(population, concentrations=[2.0] * 3, between=[0.5, 0.2, 0.3])
        nothing = varied.unprompted(POSITIONS, np.cov(background(60, 7)))
        people = range(2000)
        rates = np.stack([varied.rates_of(nothing, [], [0, 1], PATCH, each) for each in people])
        np.testing.assert_allclose(rates.mean(axis=0), varied.rates[:2], rtol=0.06)
        np.testing.assert_allclose(rates.std(axis=0) / rates.mean(axis=0), 0.5**0.5, rtol=0.08)
        np.testing.assert_allclose(rates[:, 1] / rates[:, 0], varied.rates[1] / varied.rates[0])  # theirs in both
        traits = np.stack([varied.traits_of(nothing, [], [0], each)[0] for each in people])
        np.testing.assert_allclose(traits.mean(axis=0), varied.traits_of(nothing, [], [0])[0], atol=0.04)
        np.testing.assert_allclose(traits.std(axis=0), varied.between, rtol=0.06)
        assert np.abs(np.corrcoef(np.c_[rates[:, 0], traits].T) - np.eye(4)).max() < 0.1

    def test_rates_follow_the_conditions(self, population):
        known = population.find(person(111)[0], POSITIONS, np.cov(background(60, 7)))
        after = population.rates_of(known, [0] * 10, [0, 0, 1], PATCH)
        assert after[0] == after[1]
        assert after[2] / after[0] == pytest.approx(population.rates[1] / population.rates[0])
        nothing = population.unprompted(POSITIONS, np.cov(background(60, 7)))
        np.testing.assert_allclose(population.rates_of(nothing, [], [0, 1], PATCH), population.rates[:2])
        # not knowing what it did is no reason to blink more
        np.testing.assert_allclose(population.rates_of(known, [], [0], PATCH), after[:1])


class TestAroundTheTransform:
    @pytest.mark.parametrize("n_times", [30, 400, 1586, 3000])
    def test_recordings_come_back_with_their_blinks(self, fitted, n_times):
        x = person(120, 40)[0][:, :n_times]
        events = events_of(fitted, x)
        innovation = fitted.transform.forward(x - events.signal, POSITIONS)
        back = fitted.transform.inverse(innovation.values, innovation) + events.signal
        np.testing.assert_allclose(back, x, atol=1e-6)

    def test_innovations_do_not_show_them(self, fitted):
        x, peaks = person(121, 40)
        with_them, without = (
            fitted.transform.forward(fitted.without_events(z, POSITIONS), POSITIONS).values
            for z in (x, background(40, 121))
        )
        energies = [(values.reshape(20, -1, PATCH) ** 2).mean(axis=(0, 2)) for values in (with_them, without)]
        assert energies[0].max() < 1.5 * energies[1].max()
        assert len(peaks) > 5

    def test_a_continuation_blinks(self, fitted):
        events = events_of(fitted, person(122, 20)[0])
        patches = np.random.default_rng(0).standard_normal((20, 400, PATCH))
        added = EventStream(events, [0] * 80).push(patches, [0] * 400)
        assert added.shape == (20, 400 * PATCH)
        assert np.linalg.matrix_rank(added, tol=1e-6) == 2  # the blink, and what is late in it
        quiet = background(100, 123)
        assert scipy.stats.kurtosis((added + quiet)[0]) > scipy.stats.kurtosis(quiet[0]) + 2


def test_blinks_that_are_generated_have_passed_the_high_pass(fitted):
    """Their undershoots differ, and would else leave a drift that no recording has."""
    x = person(123, 20)[0]
    extractor = blinking(fitted.population.blinks, fitted.conditions)
    features = extractor(x, sampling_rate=100.0, ch_names=list(CHANNELS), unit="uV", band_limited=True)
    noise = torch.randn(1, len(CHANNELS), 1600 * PATCH, generator=torch.Generator().manual_seed(0))
    generated = torch.cat([features["input_values"], noise], dim=-1)
    (decoded,) = extractor.decode(generated, features, "array", include_prompt=False)
    assert scipy.stats.kurtosis(decoded[0]) > 2  # it does blink
    frequencies, power = scipy.signal.welch(decoded[0], 100.0, nperseg=2000)
    slow, fast = (power[(frequencies > low) & (frequencies < high)].mean() for low, high in ((0, 0.2), (1, 2)))
    assert slow < 0.01 * fast


def test_a_recording_blinks_on_as_it_does_alone_beside_a_longer_one(population):
    """What pads the shorter one is in no condition."""
    conditions = ["none", "closed", "never seen"]
    extractor = blinking(replace(population, rates=[0.2, 0.02, 0.1]), conditions)
    short, long = person(124, 8)[0], background(40, 125)
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(1, len(CHANNELS), 200 * PATCH, generator=rng)
    decoded = []
    for together in ([short], [short, long]):
        features = extractor(together, 100.0, list(CHANNELS), "uV", band_limited=True, condition="never seen")
        # told by annotations, not for the padding
        features["condition_ids"][0, -34:] = 1
        prompt = features["input_values"]
        generated = torch.cat([prompt, noise.expand(len(prompt), -1, -1)], dim=-1)
        decoded.append(extractor.decode(generated, features, "array", include_prompt=False)[0])
    np.testing.assert_allclose(*decoded, atol=1e-4)


def test_a_plan_does_not_change_the_blink_estimates_of_the_recording(population):
    """What comes later has no say in what went before, neither alone, beside a longer recording, nor in two rows."""
    extractor = blinking(replace(population, rates=[0.1, 0.2, 0.02]), ["none", "open", "closed"])
    short, long = person(124, 8)[0], background(40, 125)
    noise = torch.randn(1, len(CHANNELS), 80 * PATCH, generator=torch.Generator().manual_seed(0))
    decoded, rates = [], []
    rates_of = BlinkPopulation.rates_of
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            BlinkPopulation, "rates_of", lambda self, *args: rates.append(rates_of(self, *args)) or rates[-1]
        )
        for recordings, following, n_rows in (
            ([short], None, 1),
            ([short], [("open", 10), ("closed", 20), ("open", 1)], 1),
            ([short, long], [[("open", 10), ("closed", 5)], [("closed", 60), ("open", 1)]], 2),
        ):
            features = extractor(
                recordings, 100.0, list(CHANNELS), "uV", "open", band_limited=True, next_condition=following
            )
            prompt = features["input_values"].repeat_interleave(n_rows, dim=0)
            generated = torch.cat([prompt, noise.expand(len(prompt), -1, -1)], dim=-1)
            rows = extractor.decode(generated, features, "array", include_prompt=False)
            decoded.append(rows[n_rows - 1][:, :600])  # filters see a second or two ahead
    for of_plan, signal in zip((rates[1], rates[2], rates[3]), (decoded[1], decoded[2], decoded[2]), strict=True):
        np.testing.assert_allclose(of_plan[:40], rates[0][:40])
        np.testing.assert_allclose(of_plan[40:], 0.1 * rates[0][40:])  # a tenth as often, like everybody
        np.testing.assert_allclose(signal, decoded[0], atol=1e-2)


def test_open_eyes_blink_and_closed_ones_do_not(real_eeg):
    recordings, counts = [], []
    for subject in (2, 3, 4, 5, 6, 7, 8):
        for run in (1, 2):
            path = real_eeg / "eegmmidb" / f"S{subject:03d}" / f"S{subject:03d}R{run:02d}.edf"
            if not path.is_file():
                pytest.skip(f"no {path.name}")
            raw = mne.io.read_raw_edf(path, preload=True, verbose="error")
            x = GETFeatureExtractor().clean(raw.get_data(units="uV"), raw.info["sfreq"])
            recordings.append((x, channel_positions(raw.ch_names), np.full(x.shape[-1] // PATCH, run - 1)))
    population = fit_blinks(recordings, 2, PATCH)
    assert 4 * population.rates[0] == pytest.approx(0.25, abs=0.15)  # 15 a minute
    assert population.rates[1] < 0.5 * population.rates[0]
    width = (np.asarray(population.shape) > 0.5).sum() / 100
    assert 0.07 < width < 0.2
    names = ["Fp1", "Fz", "Cz", "Oz"]
    topography = harmonics(channel_positions(names)) @ population.topography
    assert topography[0] > 0.8
    assert list(topography) == sorted(topography, reverse=True)
    for x, positions, _ in recordings[::2]:
        counts.append(len(population.find(x, positions).events))
    assert np.median(counts) >= 5
