# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What is measured once training is over: the last few percent of coherence and of the spectrum.

Recordings of people the model was trained on are continued, and compared with what really followed.

Coherence first. What the transform estimates from a short prompt coheres too much where channels have little in
common, and too little where coherence changes with frequency (see `coherence_get`), and innovations that a model draws
still go together a little. By how much is seen at the frequency of each coefficient, and taken off the transform; then
everything is drawn anew, as the model hears prompts through the transform. What chance does falls as prompts grow: so
shifts are measured after prompts of two lengths, and what differs between them goes with one over the length.

Then the gains of an equaliser. A flow of limited size draws some coefficients of a patch a few percent too strong and
others too weak, and the transform's filters are smoother than spectra are, in every person alike: in front more than
at the back, and with eyes closed otherwise than with eyes open. The gains are what brings the mean log spectrum of
the continuations to that of what really followed, both without heartbeats and blinks: or else blinks that are too
weak would be made up for by slow waves in front. As frequencies overlap, this is repeated.

What is generated from nothing has shifts and gains of its own, measured in the same way against the same recordings:
without a prompt the transform is the population's, whose channels cohere less than those of any person, and what eyes
closed do to the spectrum is known by these gains alone. What people's spectra differ by is seen in the recordings, and
makes one imagined person differ from another.

What a cue changes is measured at cued trials: what follows is generated from what was before the cue, told what was
cued, and compared with the trial. To move a hand, or to think of it, takes a few percent of the amplitude of mu and
beta on the other side, which is too little for a network to have learnt it from some thousands of trials.

The gains belong to the options of the generation config that the continuations are drawn with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import torch

from get_hf.processing.coherence_get import places_of_pairs, shapes_of_shifts
from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN, LARGEST_LOG_GAIN_FROM_NOTHING, N_TRAITS
from get_hf.processing.feature_extraction_get import EEGFeatures, GETFeatureExtractor
from get_hf.processing.files_get import written_whole
from get_hf.processing.innovation_get import SHIFT_PATCHES
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.population_get import quadratic_in_position
from get_hf.processing.settings_get import rows_in_lines

from .checkpoint_generator import GETGenerator
from .fidelity import coherence_spectrum, log_psd
from .segments import CHANNELS, SAMPLING_RATE, Segments, cut_segments, recordings
from .trials import Trials, cut_trials

#: Recordings of each training person and prompts of each recording that are continued, nearly all there are: what is
#: drawn for half as many with another seed coheres otherwise by half a percent to a percent.
N_SESSIONS, N_PROMPTS = 5, 4
#: Trials of each condition in each recording.
N_TRIALS = 5
#: Lengths of prompts in seconds. After the first, gains are measured too; the second is the longest after which two
#: stretches follow in a minute, as resting runs are long.
LENGTHS = (8.0, 24.0)
#: How often shifts, and then gains, are measured anew: the former meet bounds, and come near only slowly.
N_SHIFT_ROUNDS, N_GAIN_ROUNDS = 5, 3
#: Largest shift of squared coherence.
LARGEST_SHIFT = 0.25
#: Five numbers for each coefficient, as `correct_coherence` takes them; twice, as `InnovationTransform` does.
Shifts = list[list[float]]
ShiftsByLength = list[Shifts]
#: A batch as `GETGenerator.draw` yields it.
Drawn = tuple[torch.Tensor, EEGFeatures]
#: Of what is drawn. None that an evaluation is likely to draw by: corrections fitted to the very noise that they are
#: then judged on would take some of its chance away.
SEED = 20_260
#: Prompts in a condition for gains of its own: with fewer, those of all others are nearer the truth.
LEAST_PROMPTS = 60
#: What of the feature extractor is measured here.
MEASURED = (
    *("coherence_shifts", "generated_log_gains"),
    *("unprompted_coherence_shifts", "unprompted_log_gains", "trait_log_gains"),
)
#: By condition, log gains as `GETFeatureExtractor` takes them, `(4 * patch_size + 1, 9)`.
LogGains = dict[str, list[list[float]]]


def spectral_errors(real: np.ndarray, made: np.ndarray, sampling_rate: float, n_frequencies: int) -> np.ndarray:
    """How much stronger real EEG is at equally spaced frequencies: log power, mean over items.

    Args:
        real: `(items, channels, times)` in microvolts.
        made: Same shape.
        sampling_rate: In Hz.
        n_frequencies: From 0 to half the rate.

    Returns:
        `(channels, n_frequencies)`; beyond the band of the signals as at its ends.
    """
    (freqs, ours), (_, theirs) = (_log_psd(x, sampling_rate) for x in (real, made))
    difference = (ours - theirs).mean(axis=0) * np.log(10) / 10
    return _at_equal_distances(freqs, difference, sampling_rate, n_frequencies)


def _log_psd(x: np.ndarray, sampling_rate: float) -> tuple[np.ndarray, np.ndarray]:
    # windows of four seconds: below 1 Hz, where the high-pass begins, spectra are steep
    return log_psd(x, sampling_rate, seconds=4.0, lowest=0.25)


def _at_equal_distances(freqs: np.ndarray, values: np.ndarray, sampling_rate: float, n_frequencies: int) -> np.ndarray:
    """Values `(..., freqs)` at equally spaced frequencies from 0 to half the rate; beyond `freqs` as at its ends."""
    wanted = np.linspace(0, sampling_rate / 2, n_frequencies)
    near = np.abs(freqs - np.clip(wanted, freqs[0], freqs[-1])[:, None]) <= wanted[1] / 2
    return values @ (near / near.sum(axis=1, keepdims=True)).T


def find_gains(
    make: Callable[[LogGains], np.ndarray],
    real: np.ndarray,
    conditions: Sequence[str],
    positions: np.ndarray,
    sampling_rate: float,
    patch_size: int,
    others: str = "none",
    largest: float = LARGEST_LOG_GAIN,
) -> LogGains:
    """The gains with which what is generated has the mean log spectrum of what is real.

    Args:
        make: Makes continuations, of the shape of `real`, with given gains.
        real: `(items, channels, times)` in microvolts: what followed the prompts.
        conditions: Per item.
        positions: `(channels, 6)` positions of the channels.
        sampling_rate: In Hz.
        patch_size: Samples in a patch: gains are at four times as many frequencies as it has coefficients.
        others: Name for whatever has no gains of its own; fitted to all items where less is left than prompts enough.
        largest: Bound of log gains.

    Returns:
        The gains of `others` and of conditions with prompts enough.
    """
    places, groups = quadratic_in_position(positions), groups_of(conditions, others)
    n_frequencies = 4 * patch_size + 1
    gains = {name: np.zeros((n_frequencies, places.shape[1])).tolist() for name in groups}
    for _ in range(N_GAIN_ROUNDS):
        made = make(gains)
        for name, items in groups.items():
            # log power is twice log amplitude
            errors = spectral_errors(real[items], made[items], sampling_rate, n_frequencies) / 2
            bounded = np.clip(places @ np.transpose(gains[name]) + errors, -largest, largest)
            gains[name] = np.linalg.lstsq(places, bounded, rcond=None)[0].T.round(4).tolist()
    return gains


def groups_of(conditions: Sequence[str], others: str) -> dict[str, np.ndarray]:
    """Which items `(items,)` tell the gains of each condition that has prompts enough, and of all `others`."""
    labels = np.array(conditions)
    often = [str(name) for name, n in zip(*np.unique(labels, return_counts=True), strict=True) if n >= LEAST_PROMPTS]
    groups = {name: labels == name for name in often if name != others}
    rest = ~np.isin(labels, list(groups))
    groups[others] = rest if rest.sum() >= LEAST_PROMPTS else np.ones_like(rest)
    return groups


def find_traits(
    real: np.ndarray,
    subjects: Sequence[str],
    conditions: Sequence[str],
    positions: np.ndarray,
    sampling_rate: float,
    patch_size: int,
    others: str = "none",
) -> dict[str, list[list[list[float]]]]:
    """What people's log spectra differ by: principal components, each person's conditions side by side.

    Args:
        real: `(items, channels, times)` in microvolts.
        subjects: Whose each item is.
        conditions: Per item.
        positions: `(channels, 6)` positions of the channels.
        sampling_rate: In Hz.
        patch_size: Samples in a patch.
        others: See `find_gains`, whose conditions these are.

    Returns:
        By condition, log gains `(N_TRAITS, 4 * patch_size + 1, 9)` for one deviation of each component; those that
        people are too few to have are 0.
    """
    n_frequencies, places = 4 * patch_size + 1, quadratic_in_position(positions)
    freqs, decibels = _log_psd(real, sampling_rate)
    groups, of_subject = groups_of(conditions, others), np.asarray(subjects)
    people = [
        [decibels[items & (of_subject == subject)].mean(axis=0) for items in groups.values()]
        for subject in np.unique(of_subject)
        if all((items & (of_subject == subject)).any() for items in groups.values())
    ]
    traits = np.zeros((N_TRAITS, len(groups), n_frequencies, places.shape[1]))
    if len(people) > 1:
        log_amplitudes = np.stack(people) * np.log(10) / 20
        spectra = _at_equal_distances(freqs, log_amplitudes, sampling_rate, n_frequencies)
        tables = np.linalg.pinv(places) @ (spectra - spectra.mean(axis=0))  # (people, groups, 9, frequencies)
        # components are chosen by what they do at electrodes, of whose places tables are functions
        scores = np.linalg.svd((places @ tables).reshape(len(people), -1), full_matrices=False)[0][:, :N_TRAITS]
        found = np.tensordot(scores.T, tables, axes=1) / np.sqrt(len(people) - 1)
        traits[: len(found)] = found.swapaxes(-1, -2)
    return {name: traits[:, index].round(4).tolist() for index, name in enumerate(groups)}


def add_cued(cued: LogGains, generated: LogGains, unprompted: LogGains, others: str) -> None:
    """Adds gains of cued conditions to those of conditions that last, in place.

    From nothing a condition differs from all others as it does after a cue.

    Args:
        cued: Those measured at trials; of `others`, those of all trials.
        generated: Those after prompts.
        unprompted: Those from nothing.
        others: See `find_gains`.
    """
    for name in set(cued) - set(generated):
        generated[name] = cued[name]
        difference = np.subtract(cued[name], cued[others])
        unprompted[name] = (unprompted[others] + difference).round(4).tolist()


def find_coherence_shifts(
    make: Callable[[Shifts], np.ndarray],
    real: np.ndarray,
    positions: np.ndarray,
    sampling_rate: float,
    patch_size: int,
) -> Shifts:
    """The shifts with which what is made has the mean coherence of what is real, at each frequency.

    Args:
        make: Makes continuations, of the shape of `real`, with given shifts.
        real: `(items, channels, times)` in microvolts: what followed the prompts.
        positions: `(channels, 6)` positions of the channels.
        sampling_rate: In Hz.
        patch_size: Samples in a patch, hence coefficients.

    Returns:
        Five for each coefficient, see `correct_coherence`: least squares over pairs of channels.
    """
    places = places_of_pairs(positions)[np.triu_indices(len(positions), 1)]
    shifts, wanted = np.zeros((patch_size, 5)), mean_coherence(real, sampling_rate, patch_size)
    for _ in range(N_SHIFT_ROUNDS):
        found = mean_coherence(make(shifts.tolist()), sampling_rate, patch_size)
        for k, (have, want) in enumerate(zip(found, wanted, strict=True)):
            shifts[k] += np.linalg.lstsq(shapes_of_shifts(have, places), have - want, rcond=1e-3)[0]
        shifts = np.clip(shifts, -LARGEST_SHIFT, LARGEST_SHIFT).round(4)
    return shifts.tolist()


def by_length(shifts: Sequence[Shifts], n_patches: Sequence[float]) -> ShiftsByLength:
    """What is to be taken off after any prompt, and what more after one of `SHIFT_PATCHES`.

    Args:
        shifts: After prompts of each of two lengths.
        n_patches: Of these prompts.
    """
    (one, other), (share, smaller) = np.array(shifts), (SHIFT_PATCHES / n for n in n_patches)
    more = ((one - other) / (share - smaller)).round(4)
    return np.stack([one - share * more, more]).round(4).tolist()


def mean_coherence(x: np.ndarray, sampling_rate: float, patch_size: int) -> np.ndarray:
    """Squared coherence at the frequency of each coefficient, mean over items: `(patch_size, pairs)`."""
    batches = [coherence_spectrum(x[start : start + 20], sampling_rate) for start in range(0, len(x), 20)]
    freqs = batches[0][0]
    mean = np.concatenate([squared for _, squared in batches]).mean(axis=0)
    spacing = sampling_rate / 2 / patch_size
    near = np.abs(freqs - spacing * np.arange(patch_size)[:, None]) <= 0.75 * spacing
    return near @ mean / near.sum(axis=1, keepdims=True)


def calibrate(
    checkpoint: str | Path,
    data_dir: str | Path,
    ch_names: Sequence[str] = CHANNELS,
    progress: Callable[[str], object] | None = None,
) -> dict[str, ShiftsByLength | dict]:
    """Measures shifts of coherence and gains of a checkpoint, and writes them to its `preprocessor_config.json`.

    Args:
        checkpoint: Folder with the model's and the feature extractor's files.
        data_dir: Folder that holds eegmmidb.
        ch_names: Channels to continue.
        progress: Called with a line at each step.

    Returns:
        `coherence_shifts` and `unprompted_coherence_shifts`, see `find_coherence_shifts` and `by_length`,
        `generated_log_gains` and `unprompted_log_gains`, see `find_gains`, and `trait_log_gains`, see `find_traits`.

    Raises:
        ValueError: There are no training recordings, or they lack channels.
        OSError: The checkpoint cannot be read or written.
    """
    progress = progress or (lambda message: None)
    path = Path(checkpoint) / "preprocessor_config.json"
    settings = json.loads(path.read_text())
    progress("reading training recordings")
    signals = list(recordings(data_dir, "train", ch_names, n_sessions=N_SESSIONS))
    generator = GETGenerator(checkpoint, seed=SEED)
    patch_size, positions = generator.model.config.patch_size, channel_positions(ch_names)
    unmeasured = generator.extractor.to_dict() | dict.fromkeys(MEASURED)

    def draw(chosen: Segments | Trials, conditions: Sequence[tuple[str, str]], shifts: ShiftsByLength) -> list[Drawn]:
        generator.extractor = GETFeatureExtractor(**unmeasured | {"coherence_shifts": shifts})
        return list(generator.draw(chosen.prompt, ch_names, chosen.n_times, conditions))

    def draw_alike(chosen: Segments, shifts: Shifts) -> list[Drawn]:
        """What follows prompts of one length, to which the shifts belong."""
        return draw(chosen, chosen.unchanged_conditions, [shifts, np.zeros_like(shifts).tolist()])

    def draw_nothing(chosen: Segments, shifts: Shifts) -> list[Drawn]:
        """The same drawn, as a model that has no prompt hears nothing of shifts, and other ways to decode it."""
        generator.extractor = GETFeatureExtractor(**unmeasured | {"unprompted_coherence_shifts": shifts})
        return list(zip(made, generator.unprompted(ch_names, chosen.conditions, average), strict=True))

    def decode(drawn: list[Drawn], n_times: int) -> np.ndarray:
        return np.concatenate([generator.decode(*batch, n_times) for batch in drawn])

    def shifts_of(what: str, chosen: Segments, draw: Callable[[Segments, Shifts], list[Drawn]]) -> Shifts:
        rounds = count(1)

        def make(shifts: Shifts) -> np.ndarray:
            progress(f"coherence {what}: round {next(rounds)} of {N_SHIFT_ROUNDS}")
            return decode(draw(chosen, shifts), chosen.n_times)

        return find_coherence_shifts(make, chosen.continuation, positions, SAMPLING_RATE, patch_size)

    def brain(x: np.ndarray) -> np.ndarray:
        return np.stack([generator.extractor.transform.without_events(each, positions) for each in x])

    def gains_of(
        what: str, table: str, drawn: list[Drawn], real: np.ndarray, conditions: Sequence[str], largest: float
    ) -> LogGains:
        """Those of the extractor's `table` with which what was drawn has the spectrum of what is real."""
        rounds = count(1)

        def make(gains: LogGains) -> np.ndarray:
            progress(f"gains {what}: round {next(rounds)} of {N_GAIN_ROUNDS}")
            setattr(generator.extractor, table, gains)
            return brain(decode(drawn, real.shape[-1]))

        return find_gains(make, real, conditions, positions, SAMPLING_RATE, patch_size, others, largest)

    short, long = (cut_segments(signals, ch_names, length, items_per_recording=N_PROMPTS) for length in LENGTHS)
    n_patches = [length * SAMPLING_RATE / patch_size for length in LENGTHS]
    others, real = generator.extractor.conditions[0], brain(short.continuation)
    average = [None] * len(short.conditions)

    after_short, after_long = (f"after {length:g} s" for length in LENGTHS)
    shifts = shifts_of(after_short, short, draw_alike)
    drawn = draw_alike(short, shifts)
    generated = gains_of(after_short, "generated_log_gains", drawn, real, short.conditions, LARGEST_LOG_GAIN)
    made = [rows for rows, _ in generator.draw_unprompted(ch_names, short.n_times, short.conditions, average)]
    shifts_of_nothing = shifts_of("from nothing", short, draw_nothing)
    largest, drawn = LARGEST_LOG_GAIN_FROM_NOTHING, draw_nothing(short, shifts_of_nothing)
    unprompted = gains_of("from nothing", "unprompted_log_gains", drawn, real, short.conditions, largest)
    shifts_by_length = by_length([shifts, shifts_of(after_long, long, draw_alike)], n_patches)
    trials = cut_trials(signals, ch_names, per_recording=N_TRIALS)
    if trials is not None:
        drawn, followed = draw(trials, trials.conditions, shifts_by_length), brain(trials.trial)
        cued = gains_of("after cues", "generated_log_gains", drawn, followed, trials.labels, LARGEST_LOG_GAIN)
        add_cued(cued, generated, unprompted, others)
    measured = {
        "coherence_shifts": shifts_by_length,
        "generated_log_gains": generated,
        "unprompted_coherence_shifts": shifts_of_nothing,
        "unprompted_log_gains": unprompted,
        "trait_log_gains": find_traits(
            real, short.subjects, short.conditions, positions, SAMPLING_RATE, patch_size, others
        ),
    }
    with written_whole(path) as beside:
        beside.write_text(rows_in_lines(json.dumps(settings | measured, indent=2, sort_keys=True)) + "\n")
    return measured
