# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Measures the bias of a trained model, a few percent of coherence and of the spectrum, in three steps.

Recordings of people in the training set are continued and compared with the real continuations.

Gains. A flow of limited size draws some coefficients of a patch a few percent too strong and others too weak. The
filters of the transform are smoother than real spectra. Both biases are the same in every person, but differ between
front and back and between open and closed eyes. The gains bring the mean log spectrum of the continuations to the mean
log spectrum of the real continuations. Heartbeats and blinks are subtracted from both; otherwise slow frontal waves
would compensate for weak blinks. Frequencies overlap, so the step is repeated.

Unprompted. EEG without a prompt has gains of its own, measured against the same recordings, and shifts of coherence
(see `coherence_get`). Without a prompt the transform is the population's, in which channels cohere less than in any
person, and only these gains hold the effect of closed eyes on the spectrum. The differences between people's spectra
are measured as well; they make virtual people differ.

Cues. The model generates the EEG after a cue from the rest before it, and the result is compared with the trial. A
movement, or its imagery, weakens mu and beta, on the opposite side by a few percent more. Some thousands of trials are
too few for a network to learn that.

The corrections are valid only for the options of the generation config with which the continuations were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
import torch

from get_hf.processing.equaliser_get import LARGEST_LOG_GAIN, LARGEST_LOG_GAIN_FROM_NOTHING
from get_hf.processing.feature_extraction_get import EEGFeatures
from get_hf.processing.montage_get import channel_positions
from get_hf.processing.state_get import Corrections
from get_hf.training.calibration import corrections
from get_hf.training.evaluation.generator import GETGenerator
from get_hf.training.evaluation.recordings import CHANNELS, SAMPLING_RATE, Segments, cut_segments, recordings
from get_hf.training.evaluation.trials import REST, Trials, cut_trials

from .corrections import LogGains, Shifts

#: Recordings of each training person and prompts of each recording that are continued, nearly all there are. With half
#: as many, coherence differs between seeds by half a percent to a percent.
N_SESSIONS, N_PROMPTS = 5, 4
#: Length in seconds of the prompts after which corrections are measured.
LENGTH = 8.0
#: A batch as `GETGenerator.draw` yields it.
Drawn = tuple[torch.Tensor, EEGFeatures]
#: Seed of the drawn EEG. An evaluation is unlikely to use it: corrections that were fitted to the same noise as the
#: judged EEG would remove some of its randomness.
SEED = 20_260
#: The steps, and the corrections that each measures; later steps use the corrections of earlier steps.
STEPS = {
    "gains": ("generated_log_gains",),
    "unprompted": ("unprompted_coherence_shifts", "unprompted_log_gains", "trait_log_gains"),
    "cues": ("cue_log_gains",),
}


def calibrate(
    checkpoint: str | Path,
    data_dir: str | Path,
    ch_names: Sequence[str] = CHANNELS,
    steps: Sequence[str] = tuple(STEPS),
    progress: Callable[[str], object] | None = None,
) -> dict:
    """Measures the bias of a checkpoint, and writes the corrections into it after each step.

    Args:
        checkpoint: Folder with the model's and the feature extractor's files.
        data_dir: Folder that contains eegmmidb.
        ch_names: Channels to continue.
        steps: Steps to run among `STEPS`, always in that order. Each step uses only the corrections of earlier
            steps. Corrections that are not measured, for example after an interruption, stay as in the file.
        progress: Called with a line at each round.

    Returns:
        Measured corrections by name; see `Corrections`.

    Raises:
        ValueError: There are no training recordings, they lack channels, or a step is unknown.
        OSError: The checkpoint cannot be read or written.
    """
    if unknown := sorted(set(steps) - set(STEPS)):
        raise ValueError(f"There is no step {unknown[0]!r} of calibration: choose among {', '.join(STEPS)}.")
    calibration = Calibration(checkpoint, data_dir, ch_names, progress or (lambda message: None))
    extractor = calibration.generator.extractor
    order, found = list(STEPS), {}
    for k, step in enumerate(order):
        if step not in steps:
            continue
        unmeasured = {name: getattr(Corrections(), name) for later in order[k:] for name in STEPS[later]}
        calibration.known = replace(extractor.corrections, **found | unmeasured)
        found |= getattr(calibration, step)()
        extractor.but(corrections=replace(extractor.corrections, **found)).save_pretrained(checkpoint)
    return found


class Calibration:
    """A checkpoint and the training recordings; each step returns corrections of the feature extractor.

    Args:
        checkpoint: See `calibrate`.
        data_dir: See `calibrate`.
        ch_names: Channels to continue.
        progress: Called with a line at each round.

    Attributes:
        known: The corrections that earlier steps found.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        data_dir: str | Path,
        ch_names: Sequence[str],
        progress: Callable[[str], object],
    ):
        self.ch_names, self.progress, self.known = ch_names, progress, Corrections()
        progress("reading training recordings")
        self.signals = list(recordings(data_dir, "train", ch_names, n_sessions=N_SESSIONS))
        self.generator = GETGenerator(checkpoint, seed=SEED)
        self.patch_size, self.positions = self.generator.model.config.patch_size, channel_positions(ch_names)
        self.others = self.generator.extractor.conditions[0]

    # ------------------------------------------------------------------------------------------------ the steps

    def gains(self) -> dict:
        """Measures gains of lasting conditions, after prompts."""
        self._use()
        drawn = self._draw(self.segments, self.segments.unchanged_conditions)
        return {"generated_log_gains": self._gains(f"after {LENGTH:g} s", "generated_log_gains", drawn)}

    def unprompted(self) -> dict:
        """Measures shifts, gains and people's traits for EEG without a prompt."""
        conditions = self.segments.conditions
        average = [None] * len(conditions)
        self._use()
        drawn = self.generator.draw_unprompted(self.ch_names, self.segments.n_times, conditions, average)
        patches = [rows for rows, _ in drawn]

        def draw(shifts: Shifts) -> list[Drawn]:
            """Pairs the drawn patches, which do not depend on shifts, with features that decode them with shifts."""
            self._use(unprompted_coherence_shifts=shifts)
            return list(zip(patches, self.generator.unprompted(self.ch_names, conditions, average), strict=True))

        shifts = self._shifts(draw)
        gains = self._gains("from nothing", "unprompted_log_gains", draw(shifts), LARGEST_LOG_GAIN_FROM_NOTHING)
        traits = corrections.find_traits(
            self.real, self.segments.subjects, conditions, self.positions, SAMPLING_RATE, self.patch_size, self.others
        )
        return dict(zip(STEPS["unprompted"], (shifts, gains, traits), strict=True))

    def cues(self) -> dict:
        """Measures the effect of cues on rhythms."""
        changes = [(REST, name) for name in self.generator.extractor.vocabulary.heard if name != REST]
        trials = cut_trials(self.signals, self.ch_names, changes)
        if trials is None:
            return {"cue_log_gains": {}}
        self._use()
        self.progress(f"cues: {len(trials.trial)} trials")
        drawn = self._draw(trials, trials.conditions)
        gains = self.generator.extractor.gains
        prominences = np.stack([gains.prominence(prompt) for _, features in drawn for prompt in features.recordings])
        real, generated = (self._brain(x) for x in (trials.trial, self._decode(drawn, trials.n_times)))
        cues = corrections.find_cues(
            real, generated, prominences, trials.subjects, trials.labels, self.positions, SAMPLING_RATE
        )
        return {"cue_log_gains": cues}

    # ---------------------------------------------------------------------------------------- what they share

    @cached_property
    def segments(self) -> Segments:
        """Prompts and their real continuations."""
        return cut_segments(self.signals, self.ch_names, LENGTH, items_per_recording=N_PROMPTS)

    @cached_property
    def real(self) -> np.ndarray:
        """The real continuations, without events."""
        return self._brain(self.segments.continuation)

    def _use(self, **measured) -> None:
        """Sets the extractor's corrections to the known ones, with `measured` in place of some."""
        self.generator.extractor = self.generator.extractor.but(corrections=replace(self.known, **measured))

    def _draw(self, chosen: Segments | Trials, conditions: Sequence[tuple[str, str]]) -> list[Drawn]:
        return list(self.generator.draw(chosen.prompt, self.ch_names, chosen.n_times, conditions))

    def _decode(self, drawn: list[Drawn], n_times: int) -> np.ndarray:
        return np.concatenate([self.generator.decode(*batch, n_times) for batch in drawn])

    def _brain(self, x: np.ndarray) -> np.ndarray:
        """`(items, channels, times)` without events."""
        extractor = self.generator.extractor
        return np.stack([extractor.without_events(each, self.positions) for each in x])

    def _shifts(self, draw: Callable[[Shifts], list[Drawn]]) -> Shifts:
        """The shifts with which EEG without a prompt has the coherence of real EEG."""
        rounds = count(1)

        def make(shifts: Shifts) -> np.ndarray:
            self.progress(f"coherence from nothing: round {next(rounds)} of {corrections.N_SHIFT_ROUNDS}")
            return self._decode(draw(shifts), self.segments.n_times)

        real = self.segments.continuation
        return corrections.find_coherence_shifts(make, real, self.positions, SAMPLING_RATE, self.patch_size)

    def _gains(self, what: str, table: str, drawn: list[Drawn], largest: float = LARGEST_LOG_GAIN) -> LogGains:
        """The gains, in the extractor's `table`, with which drawn EEG has the spectrum of real EEG."""
        rounds = count(1)

        def make(gains: LogGains) -> np.ndarray:
            self.progress(f"gains {what}: round {next(rounds)} of {corrections.N_GAIN_ROUNDS}")
            extractor = self.generator.extractor
            self.generator.extractor = extractor.but(corrections=replace(extractor.corrections, **{table: gains}))
            return self._brain(self._decode(drawn, self.segments.n_times))

        conditions = self.segments.conditions
        return corrections.find_gains(
            make, self.real, conditions, self.positions, SAMPLING_RATE, self.patch_size, self.others, largest
        )
