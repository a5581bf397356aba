# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""From EEG recordings to the inputs of GET, and from what GET generates back to EEG."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from transformers.feature_extraction_utils import FeatureExtractionMixin

from .blinks_get import BlinkPopulation
from .decoding_get import DRIFT, DRIFT_OF_EVENTS, to_epochs, to_raw
from .equaliser_get import N_TRAITS, Gains
from .events_get import check_form
from .features_get import EEGFeatures, Prompt, stack_prompts
from .innovation_fitting_get import fit_innovation
from .innovation_get import InnovationTransform
from .montage_get import locate_channels
from .plausibility_get import usable_channels
from .population_get import N_QUADRATIC, generic_covariance, pack, unpack
from .reading_get import Recording, named_conditions, no_recording, people_wanted, read_recordings
from .settings_get import names, number, numbers, numbers_by_key, refuse_unknown, rows_in_lines, table, tables
from .signal_get import band_limit, level, remove_drift, resample
from .slow_waves_get import gaussian_quantiles

#: Names of the conditions by id, the same as in GETConfig (the rooms share no code; a test compares them).
CONDITIONS = (
    "none",
    "rest",
    "eyes_open",
    "eyes_closed",
    "left_fist",
    "right_fist",
    "both_fists",
    "feet",
    "tongue",
    "seizure",
)


class GETFeatureExtractor(FeatureExtractionMixin):
    r"""Turns EEG into what GET reads, and what GET generates into EEG.

    A recording is band-limited, resampled, and taken to the innovation space (see `InnovationTransform`);
    each channel is located on the unit sphere by its name or its digitised position.

    Args:
        sampling_rate: Rate of the model in Hz.
        patch_size: Samples per patch.
        band: Lowest and highest frequency kept, in Hz.
        conditions: Names of the conditions by id; the first means unknown.
        autocorrelation: Of the innovation transform, as are the following; the defaults are a generic 1/f
            signal on a generic head, `fit` estimates them.
        innovation_scale: Microvolts.
        channel_variance: One value per DCT coefficient.
        harmonic_covariance: Upper triangles `(patch_size, 666)`, little-endian float32 in base64.
        prior_patches: Patches of a recording of few channels that weigh as much as the population.
        slow_quantiles: Of strong slow waves, one row per component; see `InnovationTransform`.
        blinks: How people blink, a mapping of what `BlinkPopulation` takes, rates being per condition. None: blinks
            stay where they are, and none are generated.
        coherence_shifts: By how much squared coherences between channels are estimated too large at the frequency of
            each coefficient, in any recording and what more in short ones, `(2, patch_size, 5)`, measured after
            training (`get-hf calibrate`). None: nothing is taken off.
        unprompted_coherence_shifts: The same of what no prompt leads, `(patch_size, 5)`.
        generated_log_gains: Logarithms of what amplitudes of what was generated, but for blinks and heartbeats, are
            multiplied by at equally spaced frequencies from 0 to half the rate, measured after training (`get-hf
            calibrate`): by condition, `(4 * patch_size + 1, 9)`, as functions of an electrode's place (of a bipolar
            channel, of its first electrode's) are written, see `quadratic_in_position`. Those of conditions[0] are for
            all that are not named; 0 by default.
        unprompted_log_gains: The same of what was generated from nothing, in which they make the spectrum of a
            condition, of the average person.
        trait_log_gains: By condition, `(12, 4 * patch_size + 1, 9)`: what a person who is imagined adds to
            them for each of twelve numbers, drawn for each person from a standard normal distribution.
        cue_log_gains: By condition, nine numbers as functions of an electrode's place: what a cue to do it adds, after
            rest, to log gains of a rhythm whose power is one nat above the background, and of others by the square.

    Example:
        >>> import mne
        >>> from get_hf import CHECKPOINT, GETFeatureExtractor
        >>> extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
        >>> raw = mne.io.read_raw("eyes_closed.edf")  # doctest: +SKIP
        >>> features = extractor(raw, condition="eyes_closed")  # doctest: +SKIP
    """

    model_input_names = [  # noqa: RUF012  a class attribute is what transformers reads
        "input_values",
        "channel_positions",
        "channel_mask",
        "attention_mask",
        "calibration",
        "condition_ids",
    ]

    def __init__(
        self,
        sampling_rate: float = 100.0,
        patch_size: int = 25,
        band: Sequence[float] = (0.5, 45.0),
        conditions: Sequence[str] = CONDITIONS,
        autocorrelation: Sequence[float] = (1.0, 0.95),
        innovation_scale: float = 10.0,
        channel_variance: Sequence[float] | None = None,
        harmonic_covariance: str | None = None,
        prior_patches: float = 0.1,
        slow_quantiles: Sequence[Sequence[float]] | None = None,
        blinks: Mapping[str, Any] | None = None,
        coherence_shifts: Sequence[Sequence[Sequence[float]]] | None = None,
        unprompted_coherence_shifts: Sequence[Sequence[float]] | None = None,
        generated_log_gains: Mapping[str, Sequence[Sequence[float]]] | None = None,
        unprompted_log_gains: Mapping[str, Sequence[Sequence[float]]] | None = None,
        trait_log_gains: Mapping[str, Sequence[Sequence[Sequence[float]]]] | None = None,
        cue_log_gains: Mapping[str, Sequence[float]] | None = None,
        **kwargs,
    ):
        refuse_unknown(kwargs)
        super().__init__(**kwargs)
        self.sampling_rate = number("sampling_rate", sampling_rate)
        self.patch_size = int(number("patch_size", patch_size))
        self.band = numbers("band", band, 2)
        self.conditions = names("conditions", conditions)
        self.autocorrelation = numbers("autocorrelation", autocorrelation)
        self.innovation_scale = number("innovation_scale", innovation_scale)
        size = self.patch_size
        self.channel_variance = numbers(
            "channel_variance", [0.03] * size if channel_variance is None else channel_variance, size
        )
        self.harmonic_covariance = harmonic_covariance or pack(generic_covariance(self.patch_size))
        self.prior_patches = number("prior_patches", prior_patches)
        self.slow_quantiles = table("slow_quantiles", slow_quantiles, like=gaussian_quantiles())
        self.blinks = None if blinks is None else BlinkPopulation.read(blinks, len(self.conditions)).to_dict()
        self.coherence_shifts, self.unprompted_coherence_shifts = (
            None if values is None else table(name, values, like=np.zeros(shape))
            for name, values, shape in (
                ("coherence_shifts", coherence_shifts, (2, size, 5)),
                ("unprompted_coherence_shifts", unprompted_coherence_shifts, (size, 5)),
            )
        )
        no_gains = np.zeros((4 * size + 1, N_QUADRATIC))
        no_traits = np.zeros((N_TRAITS, *no_gains.shape))
        self.generated_log_gains, self.unprompted_log_gains, self.trait_log_gains = (
            tables(name, values, self.conditions, like)
            for name, values, like in (
                ("generated_log_gains", generated_log_gains, no_gains),
                ("unprompted_log_gains", unprompted_log_gains, no_gains),
                ("trait_log_gains", trait_log_gains, no_traits),
            )
        )
        self.cue_log_gains = numbers_by_key("cue_log_gains", cue_log_gains, self.conditions, N_QUADRATIC)
        if self.band[1] * 1.12 > self.sampling_rate or not 0 < self.band[0] < self.band[1]:
            raise ValueError(f"band {self.band} Hz does not fit sampling_rate {self.sampling_rate} Hz.")

    @cached_property
    def transform(self) -> InnovationTransform:
        """The innovation transform that the attributes describe."""
        return InnovationTransform(
            self.patch_size,
            self.autocorrelation,
            self.innovation_scale,
            unpack(self.harmonic_covariance, self.patch_size),
            self.channel_variance,
            self.prior_patches,
            self.slow_quantiles,
            None if self.blinks is None else BlinkPopulation(**self.blinks),
            self.coherence_shifts,
            self.unprompted_coherence_shifts,
        )

    @property
    def gains(self) -> Gains:
        """What the spectrum of what was generated is given by."""
        tables = self.generated_log_gains, self.unprompted_log_gains, self.trait_log_gains
        return Gains(*tables, self.cue_log_gains, self.conditions[0], self.sampling_rate)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sampling_rate:g} Hz, patches of {self.patch_size}, {self.band} Hz)"

    def to_dict(self) -> dict[str, Any]:
        """The attributes that `preprocessor_config.json` holds."""
        return {name: value for name, value in super().to_dict().items() if name != "transform"}

    def to_json_string(self) -> str:
        """What `preprocessor_config.json` holds."""
        return rows_in_lines(super().to_json_string())

    @classmethod
    def fit(cls, recordings: Sequence[tuple[np.ndarray, ...]], **kwargs) -> "GETFeatureExtractor":
        """A feature extractor whose innovation transform is fitted to a training corpus.

        Args:
            recordings: As `fit_innovation` takes them: microvolts `(channels, times)` from `clean`,
                positions `(channels, 6)`, and, if known, the condition ids of patches.
            kwargs: Other arguments of the constructor.

        Raises:
            ValueError: No recordings, or a rate or size of patches that a transform cannot be fitted for.
        """
        extractor = cls(**kwargs)
        check_form(extractor.sampling_rate, extractor.patch_size)
        fitted = fit_innovation(
            recordings,
            extractor.patch_size,
            prior_patches=extractor.prior_patches,
            n_conditions=len(extractor.conditions),
        )
        kwargs.update(
            autocorrelation=fitted.autocorrelation.tolist(),
            innovation_scale=fitted.scale,
            channel_variance=fitted.channel_variance.tolist(),
            harmonic_covariance=pack(fitted.harmonic_covariance),
            slow_quantiles=fitted.slow_quantiles.tolist(),
            blinks=None if fitted.blinks is None else fitted.blinks.to_dict(),
        )
        return cls(**kwargs)

    def __call__(
        self,
        recording: Any = None,
        sampling_rate: float | None = None,
        ch_names: Sequence[str] | None = None,
        unit: str | None = None,
        condition: str | Sequence[str] | None = None,
        annotation_conditions: Mapping[str, str] | None = None,
        context_seconds: float | None = None,
        band_limited: bool = False,
        person: int | Sequence[int | None] | None = None,
    ) -> EEGFeatures:
        """Prepares recordings, or none, for the model.

        Args:
            recording: `mne.io.Raw`, `mne.Epochs` (an item each), an array `(channels, times)` or
                `(batch, channels, times)`, the name of a file, or a list of these, with the same or different
                channels and lengths. What is annotated `BAD_` is left out. None: from nothing, on `ch_names`.
            sampling_rate: Hz; required for arrays. From nothing: the rate wanted, the model's own by default.
            ch_names: For arrays and from nothing: names of the 10-20, 10-10 or 10-05 system, bipolar pairs
                included.
            unit: For arrays: "V", "mV", "uV" or "nV". MNE objects are in volts.
            condition: What the recording is in where its annotations do not say, and what the continuation is
                to be in; a name, or one per item.
            annotation_conditions: Condition names by annotation (or event) description, such as
                `{"T1": "left_fist"}`; by default descriptions that are condition names count.
            context_seconds: How much of each recording's end the model reads; scale and covariance are still
                taken from all of it, but of a file's last ten minutes at most. None: everything.
            band_limited: Whether recordings are as `clean` leaves them, as those of prepared corpora are. To
                filter them once more would take half the amplitude away at the edges of the band, and what
                continues them would lack it too.
            person: From nothing: number of an imagined person, from 0 up, whose spectrum differs from others' as
                people's do, and is theirs in every condition; or a sequence, with an item for each. None: the average
                person, whose alpha is broader and lower than that of anybody.

        Returns:
            `EEGFeatures` of float32 and int64 tensors: `input_values` `(batch, channels, times)`,
            dimensionless, left-padded to whole patches, each recording led by a start patch of zeros;
            `channel_positions` `(batch, channels, 6)`; `channel_mask` `(batch, channels)`; `attention_mask`
            `(batch, patches)`; `calibration` `(batch, channels, 27)`; `condition_ids` `(batch, patches)`: the
            condition of the patch after each position.

        Raises:
            UnknownChannelError: A name that no position is known for.
            ValueError: Anything else that cannot be read as EEG: missing rate, unit or names, implausible
                amplitude, NaN, flat, empty or shorter than one patch, unknown condition.
        """
        if context_seconds is not None and not 0 < context_seconds < np.inf:
            raise ValueError(
                f"context_seconds must be positive, not {context_seconds}: leave it out to read everything."
            )
        if annotation_conditions is not None:
            for name in annotation_conditions.values():
                self.condition_id(name)  # also those that no annotation happens to need
        people = people_wanted(person)
        if recording is None:
            rate = self.sampling_rate if sampling_rate is None else sampling_rate
            items = [no_recording(rate, ch_names, unit)] * len(people)
        elif person is not None:
            raise ValueError("person imagines somebody from nothing, but a recording was given: leave one out.")
        else:
            items = read_recordings(recording, sampling_rate, ch_names, unit, context_seconds)
        conditions = [condition] * len(items) if condition is None or isinstance(condition, str) else list(condition)
        if len(conditions) != len(items):
            raise ValueError(
                f"{len(conditions)} conditions were given for {len(items)} recordings: give one, or one each."
            )
        spans = [
            [(start, end, self.condition_id(name)) for start, end, name in found]
            for found in (named_conditions(item, annotation_conditions, self.conditions) for item in items)
        ]
        ids = [0 if name is None else self.condition_id(name) for name in conditions]
        if recording is None:
            nothing = self._prepare(items[0], band_limited)
            prompts = [nothing.of_person(number) for number in people]
        else:
            prompts = [self._prepare(item, band_limited) for item in items]
        return stack_prompts(prompts, spans, ids, self.patch_size, self.sampling_rate, context_seconds)

    def clean(self, signal: np.ndarray, sampling_rate: float) -> np.ndarray:
        """The preprocessing alone: band limit and rate.

        Args:
            signal: `(channels, times)`, microvolts.
            sampling_rate: Of the signal, in Hz.

        Returns:
            `(channels, about times * model rate / sampling_rate)` float64, microvolts.
        """
        rows = np.asarray(signal, np.float64)  # one by one: filters need several times their memory
        return np.stack([band_limit(row, sampling_rate, self.sampling_rate, *self.band) for row in rows])

    def condition_id(self, name: str) -> int:
        """Id of a condition.

        Raises:
            ValueError: Unknown name; the message lists the known ones.
        """
        if name not in self.conditions:
            raise ValueError(f"{name!r} is not a condition GET knows: it knows {', '.join(self.conditions[1:])}.")
        return self.conditions.index(name)

    def decode(
        self, generated: Any, features: EEGFeatures, output: str = "raw", include_prompt: bool = True
    ) -> list[Any]:
        """Takes what `generate` returned back to EEG, which blinks as this person did in the recording.

        Decoded with more after it, a continuation is the same but for its last two or three seconds, where filters
        without delay (drift, rate) did not know yet what follows.

        Args:
            generated: `(rows, channels, times)` as `generate` returns; with `num_return_sequences=n`, n rows
                per recording.
            features: What the model was given; it holds each recording's scale, names, rate and annotations, and in
                `condition_ids` what each patch was generated as: a plan belongs there, not in the call alone.
            output: "raw" (`mne.io.RawArray`, volts, the continuation annotated "GET generated"), "epochs"
                (one `mne.EpochsArray` per recording, volts, generation beginning at 0 s) or "array"
                (microvolts).
            include_prompt: Whether the recording, band-limited as the model saw it, comes before the
                continuation.

        Returns:
            A list: one entry per row, `(channels, times)` at the recording's own rate; for "epochs" one per
            recording.

        Raises:
            ValueError: Rows that do not come from these features; an unknown output.
        """
        if output not in ("raw", "epochs", "array"):
            raise ValueError(f"decode() gives 'raw', 'epochs' or 'array', not {output!r}.")
        if getattr(features, "recordings", None) is None:
            raise ValueError(
                f"decode() needs the features as the extractor returned them, not {type(features).__name__}: "
                "features.to(device) keeps what a copy of their tensors loses."
            )
        generated = torch.as_tensor(generated).detach().float().cpu().numpy()
        prompts, n_prompt = features.recordings, features["input_values"].shape[-1]
        n_chans = features["input_values"].shape[1]
        shape = generated.shape
        if len(shape) != 3 or not shape[0] or shape[0] % len(prompts) or shape[1] != n_chans:
            raise ValueError(
                f"generated is {shape}, the features hold {len(prompts)} recordings of {n_chans} "
                "channels: decode what generate() returned for these very features."
            )
        if shape[-1] < n_prompt or (shape[-1] - n_prompt) % self.patch_size:
            raise ValueError(
                f"generated has {shape[-1]} times, not its prompt of {n_prompt} and whole patches "
                f"of {self.patch_size} after it: decode all that generate() returned, prompt included."
            )
        per_prompt = shape[0] // len(prompts)
        n_patches = n_prompt // self.patch_size
        signals = []
        for index, row in enumerate(generated):
            owner, continuation = index // per_prompt, row[:, n_prompt:]
            # each entry is the condition of the patch after it, and the last one holds from there on
            following = np.arange(continuation.shape[-1] // self.patch_size) + n_patches - 1
            ids = features["condition_ids"][owner].tolist() if "condition_ids" in features else [0]
            n_own = prompts[owner].innovation.values.shape[-1] // self.patch_size
            before = ids[max(0, len(ids) - 1 - n_own) : -1]  # padding is of no recording
            after = [ids[min(place, len(ids) - 1)] for place in following]
            signals.append(self._to_microvolts(continuation, prompts[owner], (before, after), include_prompt))
        n_before = [prompt.n_times if include_prompt else 0 for prompt in prompts]
        if output == "array":
            return signals
        if output == "raw":
            owners = [index // per_prompt for index in range(len(signals))]
            return [
                to_raw(signal, prompts[owner].recording, prompts[owner].positions, n_before[owner])
                for signal, owner in zip(signals, owners, strict=True)
            ]
        return [
            to_epochs(
                np.stack(signals[index * per_prompt : (index + 1) * per_prompt]),
                prompt.recording,
                prompt.positions,
                n_before[index],
            )
            for index, prompt in enumerate(prompts)
        ]

    def _prepare(self, recording: Recording, band_limited: bool) -> Prompt:
        """Locates the channels of a recording and takes the good ones to the innovation space."""
        positions = locate_channels(recording.ch_names, recording.digitised)
        n_times = recording.data.shape[-1]
        if n_times == 0:
            innovation = self.transform.nothing(positions[~recording.bad])
        else:
            seconds = self.patch_size / self.sampling_rate
            if n_times / recording.sampling_rate < seconds:
                raise ValueError(
                    f"The recording is {n_times / recording.sampling_rate:.3g} s long, shorter than one "
                    f"patch of {seconds:g} s: give a longer one, or none to generate from nothing."
                )
            good, data = np.flatnonzero(~recording.bad), recording.data
            recording.data = np.zeros((len(data), 0))
            data = data[good] if len(good) < len(data) else data
            if not band_limited:
                data = self.clean(level(data, recording.edges), recording.sampling_rate)
            elif recording.sampling_rate != self.sampling_rate:
                raise ValueError(
                    f"The recording is at {recording.sampling_rate:g} Hz, and what clean() leaves is at "
                    f"{self.sampling_rate:g} Hz: leave band_limited out."
                )
            usable = usable_channels(data, [recording.ch_names[index] for index in good])
            recording.bad[good[~usable]] = True
            innovation = self.transform.forward(data[usable], positions[~recording.bad])
        return Prompt(recording, n_times, positions, ~recording.bad, innovation)

    def _to_microvolts(
        self, continuation: np.ndarray, prompt: Prompt, conditions: tuple[list[int], list[int]], include_prompt: bool
    ) -> np.ndarray:
        """A row `(channels, times)`, its conditions being those of the patches before and of its own, to microvolts.

        Bad channels stay silent.
        """
        rate = prompt.recording.sampling_rate
        made = continuation[: len(prompt.good)][prompt.good]
        values = np.concatenate([prompt.innovation.values, made], axis=-1)
        signal = self.transform.inverse(values, prompt.innovation)
        events = self.transform.events(values, prompt.innovation, conditions)
        start = signal.shape[-1] - continuation.shape[-1]
        signal, events = (
            remove_drift(x, start, self.sampling_rate, corner * self.band[0])
            for x, corner in ((signal, DRIFT), (events, DRIFT_OF_EVENTS))
        )
        of_patches = [self.conditions[index] for index in conditions[1]]
        equaliser = self.gains.equaliser(prompt, of_patches)
        signal[:, start:] = equaliser(signal[:, start:], of_patches, prompt.positions[prompt.good])
        signal += equaliser.loudness * events
        n_new = round(continuation.shape[-1] * rate / self.sampling_rate)
        # what is generated must not reach back to the recording's beginning
        signal = resample(signal, self.sampling_rate, rate, ends="antireflect")[:, : prompt.n_times + n_new]
        signal = np.pad(signal, ((0, 0), (0, prompt.n_times + n_new - signal.shape[-1])), mode="edge")
        out = np.zeros((len(prompt.good), signal.shape[-1]))
        out[prompt.good] = signal
        return out if include_prompt else out[:, prompt.n_times :]
