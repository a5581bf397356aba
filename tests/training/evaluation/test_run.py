# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The fidelity table on signals of known truth: what is real passes, each way to be wrong has its row."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import signal as sps
from scipy.stats import norm
from statsmodels.tsa.api import VAR as StatsmodelsVAR

from get_hf.training.evaluation.baselines import VAR, IAAFTSurrogate, PooledVAR, PromptVAR, iaaft
from get_hf.training.evaluation.comparison import compare
from get_hf.training.evaluation.descriptors import (
    copying,
    cut_windows,
    hjorth,
    log_kurtosis,
    log_psd,
    permutation_entropy,
)
from get_hf.training.evaluation.recordings import Segments, cut_segments, read_segments
from get_hf.training.evaluation.report import fill_card, summary, write_report
from get_hf.training.evaluation.requirements import ONLY_REPORT
from get_hf.training.evaluation.rows.continuations import evaluate_arrays
from get_hf.training.evaluation.rows.two_sample import held_out_scores, two_sample_auc, two_sample_curve

RATE = 100.0
N_SUBJECTS, N_ITEMS, N_CHANS = 6, 5, 6
CH_NAMES = ["Fz", "C3", "C4", "Pz", "O1", "O2"]


def simulated_process(rng: np.random.Generator) -> VAR:
    """A person's VAR(2): sources that peak near 10 Hz, mixed across channels."""
    radius, angle = rng.uniform(0.9, 0.93, N_CHANS), 2 * np.pi * rng.uniform(9, 11, N_CHANS) / RATE
    mixing = np.eye(N_CHANS) + 0.3 * rng.standard_normal((N_CHANS, N_CHANS))
    inverse = np.linalg.inv(mixing)
    first = mixing @ np.diag(2 * radius * np.cos(angle)) @ inverse
    second = mixing @ np.diag(-(radius**2)) @ inverse
    return VAR(np.stack([first, second]), 5.0 * mixing * rng.uniform(0.8, 1.25))


@pytest.fixture(scope="module")
def people() -> list[VAR]:
    rng = np.random.default_rng(0)
    return [simulated_process(rng) for _ in range(N_SUBJECTS)]


@pytest.fixture(scope="module")
def segments(people) -> Segments:
    """One long recording per item: 8 s of prompt, 12 s of continuation, 12 s of another stretch."""
    rng = np.random.default_rng(1)
    start = np.zeros((N_ITEMS, N_CHANS, 2))
    x = np.concatenate([person.simulate(start, 3500, rng)[..., 300:] for person in people])
    subjects = np.repeat([f"S{i}" for i in range(N_SUBJECTS)], N_ITEMS)
    conditions = ["eyes_open", "eyes_closed", "none", "none", "none"] * N_SUBJECTS
    return Segments(x[..., :800], x[..., 800:2000], x[..., 2000:], subjects, conditions, CH_NAMES)


def judge(segments: Segments, generated: np.ndarray, **options) -> dict[str, float]:
    options = {"n_bootstrap": 0, "classifiers": ("logistic",)} | options
    rows = evaluate_arrays(
        segments.prompt, segments.continuation, generated, segments.subjects, RATE,
        segments.ch_names, segments.conditions, **options,
    )  # fmt: skip
    return {name: row["value"] for name, row in rows.items()}


def tolerance(name: str) -> float:
    """How far an AUC may be from 0.5 by chance: windows of 4 s are half as many, and more features are noisier."""
    return 0.15 if name in ONLY_REPORT else 0.1


@pytest.fixture(scope="module")
def floor(segments) -> dict[str, float]:
    return judge(segments, segments.other, classifiers=("logistic", "boosting", "convolutional"))


def test_real_against_real_is_indistinguishable(floor):
    for name, value in floor.items():
        if name.startswith("AUC"):
            assert abs(value - 0.5) < tolerance(name), (name, value)
        elif name.startswith(("RMS", "kurtosis, gen", "alpha eyes")):
            assert 0.85 < value < 1.15, (name, value)
    assert floor["own against swapped prompt, Wilcoxon"] < 1e-4
    assert floor["log PSD, ensemble"] < 0.5
    assert floor["own prompt wins"] > 0.9


def test_a_process_passes_against_its_own_samples(segments, people, floor):
    rng = np.random.default_rng(2)
    prompts = segments.prompt.reshape(N_SUBJECTS, N_ITEMS, N_CHANS, -1)
    own = [person.simulate(p, 1200, rng) for person, p in zip(people, prompts, strict=True)]
    values = judge(segments, np.concatenate(own), classifiers=("logistic", "convolutional"))
    assert all(abs(v - 0.5) < tolerance(k) for k, v in values.items() if k.startswith("AUC"))
    assert 0.8 < values["step at the seam"] < 1.25
    assert values["nearer to own than to swapped prompt"] > 0.8 * floor["nearer to own than to swapped prompt"]
    assert values["copied from the prompt"] < 1.2 * floor["copied from the prompt"]


def test_a_future_of_usual_strength_passes_and_a_stronger_one_does_not(segments):
    rng = np.random.default_rng(4)
    # each stretch of a recording is as loud as it happens to be: 3 dB more or less
    loudness = np.exp(0.35 * norm.ppf((np.arange(len(segments.subjects)) + 0.5) / len(segments.subjects)))
    truth = replace(segments, continuation=segments.continuation * rng.permutation(loudness)[:, None, None])
    other = segments.other * rng.permutation(loudness)[:, None, None]
    assert judge(truth, other)["covariance, ensemble"] < 0.15
    assert judge(truth, 1.2 * other)["covariance, ensemble"] > 0.3


def test_white_noise_is_caught_by_spectrum_complexity_and_coherence(segments, floor):
    scale = segments.prompt.std(axis=-1, keepdims=True)
    noise = scale * np.random.default_rng(3).standard_normal(segments.continuation.shape)
    values = judge(segments, noise, classifiers=("logistic", "convolutional"))
    assert values["AUC convolutional net"] > 0.95
    assert values["log PSD, ensemble"] > 5 * floor["log PSD, ensemble"]
    assert values["Hjorth mobility"] > 5 * floor["Hjorth mobility"]
    assert values["coherence 8-13 Hz, ensemble"] > 5 * floor["coherence 8-13 Hz, ensemble"]
    assert values["AUC complexity"] > 0.95
    assert 0.9 < values["RMS in the last 2 s"] < 1.1  # its amplitude is right, and that row says so


def test_a_constant_is_caught_and_gives_finite_figures(segments):
    values = judge(segments, np.zeros_like(segments.continuation), classifiers=("logistic", "boosting"))
    assert np.isfinite(list(values.values())).all()
    assert values["RMS in the first 2 s"] < 0.01
    assert values["AUC everything, boosting"] > 0.95
    assert values["log PSD, per prompt"] > 20


def test_a_copy_of_the_prompt_is_caught_by_the_copying_row_alone(segments, floor):
    copy = np.concatenate([segments.prompt, segments.prompt], axis=-1)[..., :1200]
    values = judge(segments, copy)
    assert values["copied from the prompt"] > 0.99
    assert floor["copied from the prompt"] < 0.8
    assert values["AUC everything, logistic"] < 0.65  # it is real EEG: nothing else can object


def test_a_swapped_prompt_is_caught_by_the_prompt_rows(segments, floor):
    values = judge(segments, np.roll(segments.other, N_ITEMS, axis=0))
    assert values["nearer to own than to swapped prompt"] < 0.5 * floor["nearer to own than to swapped prompt"]
    assert values["nearer to own than to swapped target"] < 0.5 * floor["nearer to own than to swapped target"]
    assert values["own prompt wins"] < 0.8
    assert values["own against swapped prompt, Wilcoxon"] > 0.01


def test_decay_during_rollout_is_caught_by_the_stability_rows(segments):
    values = judge(segments, segments.other * np.exp(np.linspace(0, np.log(0.5), 1200)))
    assert values["RMS, last over first 2 s"] == pytest.approx(0.5, abs=0.1)
    assert values["RMS in the first 2 s"] == pytest.approx(1.0, abs=0.15)


def test_heavy_tails_are_caught_by_kurtosis(segments, floor):
    rng = np.random.default_rng(4)
    gain = np.where(rng.random((*segments.other.shape[:2], 12)) < 0.1, 4.0, 1.0).repeat(100, axis=-1)
    values = judge(segments, segments.other * gain)
    assert values["kurtosis, generated over real"] > 1.2
    assert values["kurtosis"] > 3 * floor["kurtosis"]


def test_a_lost_alpha_difference_is_caught(segments):
    prompt, real = segments.prompt.copy(), segments.continuation.copy()
    closed = np.array(segments.conditions) == "eyes_closed"
    prompt[closed] *= 2
    real[closed] *= 2
    doubled = Segments(prompt, real, segments.other, segments.subjects, segments.conditions, CH_NAMES)
    assert judge(doubled, segments.other)["alpha eyes closed / open"] == pytest.approx(0.25, rel=0.3)


def test_intervals_contain_the_value_and_goals_are_named(segments):
    rows = evaluate_arrays(
        segments.prompt, segments.continuation, segments.other, segments.subjects, RATE,
        classifiers=("logistic",), n_bootstrap=50,
    )  # fmt: skip
    low, high = rows["log PSD, per prompt"]["interval"]
    assert low <= rows["log PSD, per prompt"]["value"] <= high
    assert rows["AUC 8-13 Hz"]["goal"] == ("at most", 0.6)
    assert "alpha eyes closed / open" not in rows  # no conditions were given


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, r, g, s: (p, r, g[..., :-1], s), "Real continuations are"),
        (lambda p, r, g, s: (p, r, g, s[:-1]), "one prompt and one subject"),
        (lambda p, r, g, s: (p, r, np.where(g > 10, np.nan, g), s), "generated has samples that are NaN"),
        (lambda p, r, g, s: (p, r, g, np.full(len(s), "S1")), "at least two subjects"),
    ],
)
def test_arrays_that_contradict_each_other_are_refused(segments, change, message):
    arrays = change(segments.prompt, segments.continuation, segments.other, segments.subjects)
    with pytest.raises(ValueError, match=message):
        evaluate_arrays(*arrays, RATE, n_bootstrap=0)


# ---------------------------------------------------------------------- features and baselines


def test_features_have_their_closed_forms():
    t = np.arange(20000) / RATE
    sine = 10 * np.sin(2 * np.pi * 10 * t)
    noise = np.random.default_rng(0).standard_normal(20000)
    activity, mobility, complexity = hjorth(sine)
    assert activity == pytest.approx(50, rel=0.01)
    assert mobility == pytest.approx(2 * np.sin(np.pi * 10 / RATE), rel=0.01)
    assert complexity == pytest.approx(1, rel=0.01)
    assert np.exp(log_kurtosis(sine)) == pytest.approx(1.5, rel=0.01)
    assert np.exp(log_kurtosis(noise)) == pytest.approx(3, rel=0.1)
    assert permutation_entropy(noise) == pytest.approx(1, abs=0.01)
    assert permutation_entropy(t) == 0
    freqs, psd = log_psd(noise[None, None], RATE)
    assert psd.mean() == pytest.approx(10 * np.log10(2 / RATE), abs=0.3)  # white: 2 variance / rate
    assert (freqs[0], freqs[-1]) == (1, 45)
    x = np.arange(24.0).reshape(1, 2, 12)
    np.testing.assert_array_equal(cut_windows(x, 5)[1], x[0, :, 5:10])


def test_copying_finds_a_window_at_any_lag():
    rng = np.random.default_rng(0)
    prompt, other = rng.standard_normal((2, 1, 4, 800))
    assert copying(prompt, np.concatenate([other[..., :200], prompt[..., 137:537]], axis=-1), RATE)[0] > 0.99
    assert copying(prompt, other, RATE)[0] < 0.5


def test_two_sample_auc_is_high_for_a_shift_and_holds_subjects_apart():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(5), 40)
    real, fake = rng.standard_normal((2, 200, 3))
    same = held_out_scores(real, fake, subjects)
    assert np.mean(list(two_sample_auc(same).values())) == pytest.approx(0.5, abs=0.1)
    scores = held_out_scores(real, fake + 1.5, subjects)
    found = two_sample_auc(scores)
    assert set(found) == set(range(5))
    assert min(found.values()) > 0.9
    curve = np.array(two_sample_curve(scores))
    assert (np.diff(curve) >= 0).all()
    assert curve.mean() == pytest.approx(np.mean(list(found.values())), abs=0.03)
    with pytest.raises(ValueError, match="'logistic', 'boosting' or 'convolutional'"):
        held_out_scores(real, fake, subjects, "forest")


def test_var_recovers_the_process_it_was_sampled_from(people):
    x = people[0].simulate(np.zeros((1, N_CHANS, 2)), 60000, np.random.default_rng(0))[0]
    fitted = VAR.fit([x[:, :30000], x[:, 30000:]], order=2)
    np.testing.assert_allclose(fitted.coefficients, people[0].coefficients, atol=0.05)
    noise = people[0].noise_root @ people[0].noise_root.T
    np.testing.assert_allclose(fitted.noise_root @ fitted.noise_root.T, noise, atol=0.05 * noise.max())
    with pytest.raises(ValueError, match="more than 12 samples"):
        VAR.fit([x[:, :12]])


def test_var_of_one_recording_is_that_of_statsmodels(people):
    x = people[0].simulate(np.zeros((1, N_CHANS, 2)), 800, np.random.default_rng(0))[0]
    ours, theirs = VAR.fit([x], order=6, ridge=0), StatsmodelsVAR(x.T).fit(6, trend="n")
    np.testing.assert_allclose(ours.coefficients, theirs.coefs, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.noise_root @ ours.noise_root.T, theirs.sigma_u, rtol=1e-6, atol=1e-8)


def test_an_unstable_fit_is_made_stable():
    growing = np.exp(np.arange(300) / 50)[None] * [[1.0], [-1.0]] + np.random.default_rng(0).standard_normal((2, 300))
    var = VAR.fit([growing], order=2)
    assert np.isfinite(var.simulate(growing[None], 20000, np.random.default_rng(0))).all()


def test_iaaft_keeps_values_spectrum_and_correlations(segments):
    x = segments.prompt[0]
    made = iaaft(x, np.random.default_rng(0))
    np.testing.assert_allclose(np.sort(made, axis=-1), np.sort(x, axis=-1))
    np.testing.assert_allclose(np.corrcoef(made), np.corrcoef(x), atol=0.05)
    _, before = sps.periodogram(x)
    _, after = sps.periodogram(made)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.95
    assert abs(np.corrcoef(made[0], x[0])[0, 1]) < 0.3


@pytest.mark.parametrize("baseline", [PromptVAR(), IAAFTSurrogate()], ids=lambda b: type(b).__name__)
def test_baselines_continue_every_prompt_with_its_amplitude(segments, baseline):
    prompts = segments.prompt[::N_ITEMS] * np.array([1.0, 3.0] * 3)[:, None, None]
    made = baseline(prompts, CH_NAMES, 1200)
    assert made.shape == (N_SUBJECTS, N_CHANS, 1200)
    np.testing.assert_allclose(made.std(axis=(1, 2)), prompts.std(axis=(1, 2)), rtol=0.3)
    np.testing.assert_array_equal(made, baseline(prompts, CH_NAMES, 1200))
    assert baseline(prompts[:1], CH_NAMES, 300).shape == (1, N_CHANS, 300)


def test_the_pooled_var_knows_any_of_its_channels_and_the_average_amplitude(segments):
    pooled = PooledVAR(segments.other, CH_NAMES, order=2)
    part = segments.pick(["O1", "Fz"])
    np.testing.assert_array_equal(part.other, segments.other[:, [4, 0]])
    made = pooled(part.prompt, part.ch_names, 1200)
    assert made.shape == (len(part.prompt), 2, 1200)
    np.testing.assert_allclose(
        np.corrcoef(np.concatenate(made, axis=-1))[0, 1],
        np.corrcoef(np.concatenate(part.other, axis=-1))[0, 1],
        atol=0.1,
    )
    made = pooled.from_nothing(CH_NAMES, 1200, ["eyes_open"] * 40, np.arange(40))
    assert made.shape == (40, N_CHANS, 1200)
    amplitudes = [np.log(x.std(axis=(1, 2))).mean() for x in (made, segments.other)]
    assert amplitudes[0] == pytest.approx(amplitudes[1], abs=0.1)
    assert made[..., :100].std() == pytest.approx(made[..., -100:].std(), rel=0.1)  # no trace of the silence before


# ---------------------------------------------------------------------- the table as a whole


def test_segments_are_consecutive_and_do_not_overlap():
    x = np.arange(6000.0)[None].repeat(2, axis=0)
    cut = cut_segments([(x, "S1", "eyes_open"), (x[:, :3000], "S2", "none")], ["C3", "C4"])
    assert cut.prompt.shape == (2, 2, 800)
    assert (cut.prompt[..., -1] + 1 == cut.continuation[..., 0]).all()
    stretches = np.concatenate([cut.continuation[:, 0].ravel(), cut.other[:, 0].ravel()])
    assert len(np.unique(stretches)) == len(stretches)
    with pytest.raises(ValueError, match="longest recording has 20 s"):
        cut_segments([(x[:, :2000], "S1", "none")])


@pytest.fixture(scope="module")
def comparison(segments):
    train = PooledVAR(segments.other, CH_NAMES, order=2)
    return compare(
        {"mine": train, "flat": lambda prompts, names, n_times, conditions: np.zeros((*prompts.shape[:2], n_times))},
        None, baselines=False, classifiers=("logistic",), segments=segments,
    )  # fmt: skip


def test_compare_puts_generators_before_the_floor_and_says_which_goals_are_met(comparison):
    assert list(comparison.rows) == ["mine", "flat", "real"]
    assert comparison.rows["real"]["log PSD, ensemble"]["over_floor"] == 1
    assert comparison.rows["flat"]["log PSD, ensemble"]["met"] is False
    assert comparison.rows["mine"]["RMS, last over first 2 s"]["met"] is True
    lines = comparison.table(intervals=True).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[0].split("|")[-3].strip() == "mine: met"


def test_compare_refuses_a_generator_that_returns_the_prompt_too(segments):
    with pytest.raises(ValueError, match="'both' returned"):
        compare({"both": lambda prompts, *_: prompts}, None, baselines=False, segments=segments)


def test_unknown_split_and_preset_are_named():
    with pytest.raises(ValueError, match="train, validation, test and a preset among fast, full"):
        read_segments(None, "dev", "fast")


def test_report_writes_table_plots_and_card(comparison, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("# Card\n<!-- figures:begin -->\nfigures of yore\n<!-- figures:end -->\nrest\n")
    readme = tmp_path / "readme.md"
    readme.write_text("<!-- summary:begin -->\nfigures of yore\n<!-- summary:end -->\n")
    out = write_report(comparison, {"date": "2026-01-01", "seed": 0}, tmp_path / "out", [card, readme])
    assert sorted(p.name for p in out.iterdir()) == [
        "covariances.png", "fidelity.json", "fidelity.md", "prompts.png", "spectra.png", "traces.png",
        "two_sample_roc.png",
    ]  # fmt: skip
    stored = json.loads((out / "fidelity.json").read_text())
    assert stored["rows"]["mine"]["log PSD, ensemble"]["value"] > 0
    assert stored["about"]["date"] == "2026-01-01"
    held = {each["row"]: each["holds"] for each in stored["requirements"]["flat"] if "below" not in each["limit"]}
    assert held["log PSD, ensemble"] is False
    assert "What mine must reach" in (out / "fidelity.md").read_text()
    filled = card.read_text()
    assert "yore" not in filled
    assert "AUC 8-13 Hz" in filled
    assert filled.startswith("# Card\n")
    assert filled.endswith("<!-- figures:end -->\nrest\n")
    assert (out / "spectra.png").stat().st_size > 10_000
    assert readme.read_text().splitlines() == [
        "<!-- summary:begin -->", *summary(comparison.rows, "mine").splitlines(), "<!-- summary:end -->"
    ]  # fmt: skip


def test_the_summary_names_the_baseline_nearest_to_real_eeg():
    def column(value: float) -> dict:
        return {"log PSD, ensemble": {"value": value, "interval": (0.1, 0.4), "goal": ("at most", 0.6), "met": True}}

    rows = {"mine": column(0.3), "real": column(0.2), "far": column(0.9), "near": column(0.15), "replay": column(0.2)}
    lines = summary(rows, "mine").splitlines()
    assert len(lines) == 3  # what was not measured has no row
    assert lines[-1].endswith("| 0.300 (0.1 to 0.4) | 0.200 | 0.150 (near) | <= 0.6 | yes |")


def test_a_card_without_marks_is_left_alone(comparison, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("# Card\n")
    with pytest.raises(ValueError, match="figures:begin"):
        write_report(comparison, {}, tmp_path / "out", [card])
    assert card.read_text() == "# Card\n"
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="no place for the figures"):
        fill_card("<!-- figures:end --><!-- figures:begin -->", "figures", "")


def test_real_eeg_of_one_person_is_cut_and_scaled():
    root = Path(os.environ.get("GET_HF_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
    if not (root / "eegmmidb").is_dir():
        pytest.skip("no recordings: set GET_HF_DATA to the folder that contains eegmmidb/")
    cut = read_segments(root, "train", "fast")
    assert cut.prompt.shape[1:] == (20, 800)
    assert 3 < np.median(np.abs(cut.prompt)) < 100  # microvolts
    assert {"eyes_open", "eyes_closed"} <= set(cut.conditions)
