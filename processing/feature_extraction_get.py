# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts EEG recordings to the inputs of GET, and the output of GET back to EEG."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .calibration_get import POLICIES, Calibration, check_policy
from .conditions_get import CONDITIONS, Vocabulary, split_ids
from .continuation_get import ContinuationDecoder
from .decoding_get import to_output
from .equaliser_get import N_TRAITS, Gains
from .event_shapes_get import check_rate
from .features_get import INPUTS, EEGFeatures, Prompt, check_decodable, check_tensors, pad_features, stack_prompts
from .population_get import N_QUADRATIC
from .preparation_get import PreparingFeatureExtractor
from .reading_get import check_people, no_recording, read_recordings
from .seeds_get import seeds_of_people
from .settings_get import CACHES, check_state, names, number, numbers, whole
from .state_get import Corrections, Population
from .streaming_get import GETStream


class GETFeatureExtractor(PreparingFeatureExtractor):
    r"""Converts EEG to the inputs of GET, and the output of GET to EEG.

    A recording is band-limited, resampled and transformed to the innovation space (see `InnovationTransform`).
    The position of each channel on the unit sphere is found from its name or its digitised position.

    Args:
        sampling_rate: Sampling rate of the model, in Hz.
        patch_size: Number of samples in a patch.
        band: Lowest and highest frequency that are kept, in Hz.
        conditions: Names of the conditions. The index of a name is its id. The first name means "unknown".
        heard_conditions: Names of the conditions that the model was trained with. Only these may be requested. None:
            not known, so all conditions may be requested.
        prior_patches: Number of patches at which a recording with few channels and the population have equal weights
            in the transform.
        calibrate_on: Default value of this argument of `__call__`: "each" or "all".
        population: Parameters that were fitted to a training corpus. None: a generic 1/f signal on a generic head.
        corrections: Corrections that were measured after training. None: no correction.

    Example:
        >>> from get_hf import CHECKPOINT, GETFeatureExtractor
        >>> extractor = GETFeatureExtractor.from_pretrained(CHECKPOINT)
        >>> features = extractor("eyes_closed.edf", condition="eyes_closed")  # doctest: +SKIP
    """

    model_input_names = list(INPUTS)  # noqa: RUF012  transformers reads a class attribute

    def __init__(
        self,
        sampling_rate: float = 100.0,
        patch_size: int = 25,
        band: Sequence[float] = (0.5, 45.0),
        conditions: Sequence[str] = CONDITIONS,
        heard_conditions: Sequence[str] | None = None,
        prior_patches: float = 0.1,
        calibrate_on: str = "each",
        population: Population | None = None,
        corrections: Corrections | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sampling_rate = number("sampling_rate", sampling_rate)
        check_rate(self.sampling_rate)
        self.patch_size = size = whole("patch_size", patch_size, largest=1000)
        self.band = numbers("band", band, 2)
        self.conditions = names("conditions", conditions)
        self.heard_conditions = None
        if heard_conditions is not None:
            self.heard_conditions = names("heard_conditions", heard_conditions, among=self.conditions[1:])
        self.prior_patches = number("prior_patches", prior_patches)
        if self.band[1] * 1.12 > self.sampling_rate or not 0 < self.band[0] < self.band[1]:
            raise ValueError(f"band {self.band} Hz does not fit sampling_rate {self.sampling_rate} Hz.")
        self.calibrate_on = check_policy(calibrate_on)
        self.population = Population.generic(size) if population is None else population
        self.corrections = Corrections() if corrections is None else corrections
        check_state(self)

    @property
    def gains(self) -> Gains:
        """Gains of the filters that correct the spectrum of generated EEG."""
        measured, others = self.corrections, self.conditions[0]
        none = np.zeros((4 * self.patch_size + 1, N_QUADRATIC))
        return Gains(
            measured.generated_log_gains or {others: none},
            measured.unprompted_log_gains or {others: none},
            measured.trait_log_gains or {others: np.zeros((N_TRAITS, *none.shape))},
            measured.cue_log_gains,
            others,
            self.sampling_rate,
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """Names of the conditions, and of those that may be requested."""
        heard = self.conditions[1:] if self.heard_conditions is None else self.heard_conditions
        return Vocabulary(self.conditions, heard)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sampling_rate:g} Hz, patches of {self.patch_size}, {self.band} Hz)"

    def __getstate__(self) -> dict[str, Any]:
        # caches would change the fingerprint of `dataset.map` as soon as they are computed
        return {name: value for name, value in vars(self).items() if name not in CACHES}

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
        next_condition: str | Sequence[Any] | None = None,
        return_tensors: str | None = None,
        calibrate_on: Any = None,
    ) -> EEGFeatures:
        """Prepares the inputs of the model from recordings, or for generation from nothing (without a recording).

        Args:
            recording: `mne.io.Raw`, `mne.Epochs` (each epoch is an item), an array `(channels, times)` or
                `(batch, channels, times)`, the name of a file, or a list of these. The items of a list may differ in
                channels and length. Segments with a `BAD_` annotation are left out. None: generation from nothing, for
                the channels `ch_names`.
            sampling_rate: Sampling rate in Hz. It is required for arrays. For generation from nothing, it is the
                sampling rate of the output; the default is the model's rate.
            ch_names: Channel names of the 10-20, 10-10 or 10-05 system, including bipolar pairs, for arrays and for
                generation from nothing.
            unit: Unit of an array: "V", "mV", "uV" or "nV". MNE objects are in volts.
            condition: Condition of the recording at times without a condition in the annotations: one name, or a list
                with a name for each item. For generation from nothing, it is the condition to generate. Names may be
                spelt "eyes_closed", "EYES-CLOSED" or "Eyes closed". With "none", the model gets no condition.
            annotation_conditions: Mapping from descriptions of annotations (or events) to condition names, such as
                `{"T1": "left_fist"}`. None: descriptions that are condition names are used.
            context_seconds: Length in seconds of the end of each recording that the model reads. Scale and covariance
                are still estimated from the whole recording, or from the last ten minutes of a longer file. None: the
                model reads everything.
            band_limited: Whether the recordings were already filtered by `clean`, as in prepared corpora. A second
                filter would halve the amplitude at the edges of the band, also in the continuation.
            person: Number of a virtual person, from 0 up, or a sequence with a number for each item. It is only for
                generation from nothing. The spectra of virtual persons differ as the spectra of real people do. The
                spectral traits of a person are the same in every condition. None: the average person, whose alpha peak
                is broader and lower than the peak of any single person.
            next_condition: Condition of the continuation: a name, or a plan, which is a list of names and seconds in
                order, such as `[("eyes_open", 10), ("left_fist", 4)]`. The last condition of a plan goes on without
                end. A list with a name, a plan or None for each item is also possible (if an entry of the list begins
                with a name, the list is a plan). None: the last condition of the recording goes on. For generation
                from nothing, only a plan is possible, and it replaces `condition`.
            return_tensors: "pt" (torch) or "np" (NumPy). None: torch.
            calibrate_on: EEG from which the transform is estimated. "each": each item has its own transform, which is
                best for generation. "all": all epochs of an `mne.Epochs`, or all rows of an array
                `(batch, channels, times)`, share a transform. This keeps the differences between trials, which
                classifiers need. Or pass a `Calibration` that `calibrate` returned. Or pass a recording with the same
                channels, which is read with the same arguments. None: the extractor's own `calibrate_on`.

        Returns:
            `EEGFeatures` with these float32 and int64 tensors: `input_values` `(batch, channels, times)`, which are
            dimensionless, are padded at the left to whole patches, and have a start patch of zeros before each
            recording; `channel_positions` `(batch, channels, 6)`; `channel_mask` `(batch, channels)`;
            `attention_mask` `(batch, patches)`; `calibration` `(batch, channels, 27)`; `condition_ids`
            `(batch, patches)`, the condition of the patch after each position (a plan makes this tensor longer than
            the prompt); `noise_seed` `(batch,)`, a hash of the samples of each recording.

        Raises:
            UnknownChannelError: A channel name has no known position.
            ValueError: The input cannot be read as EEG: the rate, unit or names are missing; the amplitude is
                implausible; or the signal contains NaN, is flat, is empty or is shorter than one patch. Or the model
                was not trained with a condition (if annotations contain such a condition, it is ignored with a
                warning).
        """
        check_tensors(return_tensors)
        if context_seconds is not None:
            context_seconds = number("context_seconds", context_seconds)
        people = check_people(person)
        if recording is None:
            rate = self.sampling_rate if sampling_rate is None else sampling_rate
            items = [no_recording(rate, ch_names, unit)] * len(people)
        elif person is not None:
            raise ValueError(
                "person numbers a virtual person for EEG from nothing, but a recording was given: leave one out."
            )
        else:
            items = read_recordings(recording, sampling_rate, ch_names, unit, context_seconds)
            if calibrate_on is None:
                calibrate_on = self.calibrate_on
            elif not isinstance(calibrate_on, (str, Calibration)) or (
                isinstance(calibrate_on, str) and calibrate_on not in POLICIES
            ):
                calibrate_on = self.calibrate(calibrate_on, sampling_rate, ch_names, unit, band_limited)
        seconds = self.patch_size / self.sampling_rate
        courses = self.vocabulary.courses(items, condition, next_condition, annotation_conditions, seconds)
        if recording is None:
            nothing = self._unprompted(items[0])
            prompts = [nothing.of_person(*pair) for pair in zip(people, seeds_of_people(people), strict=True)]
        else:
            prompts = self._prepare(items, band_limited, calibrate_on)
        features = stack_prompts(prompts, courses, self.patch_size, self.sampling_rate, context_seconds)
        return features.convert_to_tensors(return_tensors)

    def pad(self, features: Sequence[Mapping[str, Any]], return_tensors: str | None = None) -> EEGFeatures:
        """Stacks features that were prepared separately into one batch; their channels and lengths may differ.

        Missing channels are added at the end, and missing patches at the left, filled with zeros. `channel_mask` and
        `attention_mask` are 0 there.

        Args:
            features: List of features that the extractor returned, or of rows of a dataset into which `map` has
                written such features, with or without the batch axis. They may contain `labels` (or `label`). Labels
                with the shape `(channels, times)` are padded like `input_values`. Other labels are stacked unchanged.
            return_tensors: See `__call__`.

        Returns:
            `EEGFeatures` as from `__call__`, with `labels` if there are any. Other columns of a dataset are left out.
            `decode` accepts the batch if it accepts each of `features`. It does not accept rows of a dataset, because
            they do not contain the recordings.

        Raises:
            ValueError: An item does not contain features, or the features do not fit together.
        """
        check_tensors(return_tensors)
        return pad_features(features, self.patch_size).convert_to_tensors(return_tensors)

    def condition_id(self, name: str) -> int:
        """Returns the id of a condition, whose name may have any spelling.

        Raises:
            ValueError: The model was not trained with the condition. The message lists the conditions of the model and
                the most similar name.
        """
        return self.vocabulary.id_of(name)

    def decode(
        self,
        generated: Any,
        features: EEGFeatures,
        output: str = "raw",
        include_prompt: bool = True,
        keep_identity: bool = False,
    ) -> list[Any]:
        """Converts the output of `generate` to EEG, and adds blinks and heartbeats like those of the recording.

        If a continuation is decoded again with more patches after it, only its last second changes. The reason is that
        two filters (drift, sampling rate) depend on about a second of later samples. `streamer` gives the same EEG
        while it is generated, each patch when these samples are there.

        Args:
            generated: Output `(rows, channels, times)` of `generate`. With `num_return_sequences=n`, it has n rows for
                each recording.
            features: Features that were passed to the model. They contain the scale, names, sampling rate and
                annotations of each recording. Their `condition_ids` contain the condition of each generated patch,
                also from plans.
            output: "raw" (`mne.io.RawArray` in volts, with the annotation "GET generated" on the continuation),
                "epochs" (`mne.EpochsArray` in volts) or "array" (microvolts).
            include_prompt: Whether the output begins with the recording, band-limited as in the input of the model.
            keep_identity: Whether MNE objects keep the information on the person, the date and the experimenter. If
                not, they keep only the signal and its annotations.

        Returns:
            A list with one entry for each row: a signal `(channels, times)` at the recording's sampling rate. For
            "epochs", the list has one entry for each given `mne.Epochs`, with all its rows, events, metadata and times
            (0 s is the event), and one entry for each other recording (0 s is the start of generation). The metadata
            have the columns `generated_from` (start of generation in seconds) and `generated_draw` (number of the
            continuation of the same epoch, from 0 up). MNE needs a different sample for each event. So if an epoch has
            several continuations, their events are moved to the next free samples. A channel that is masked in one
            epoch is bad in all epochs.

        Raises:
            ValueError: The rows do not belong to these features, or the output is unknown.
        """
        if output not in ("raw", "epochs", "array"):
            raise ValueError(f"decode() gives 'raw', 'epochs' or 'array', not {output!r}.")
        check_decodable(features, "decode")
        try:
            generated = torch.as_tensor(generated).detach().float().cpu().numpy()
        except (TypeError, ValueError, RuntimeError) as error:  # torch raises each of these, depending on its input
            raise ValueError(
                f"decode() needs the (rows, channels, times) that generate() returned, not {type(generated).__name__}."
            ) from error
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
            ids = features["condition_ids"][owner].tolist() if "condition_ids" in features else [0]
            n_own, n_new = (x.shape[-1] // self.patch_size for x in (prompts[owner].innovation.values, continuation))
            before, after = split_ids(ids, n_patches, n_own, n_new)
            decoder = self._decoder(prompts[owner], before, with_prompt=include_prompt)
            signals.append(np.concatenate([decoder.push(continuation, after), decoder.finish()], axis=-1))
        owners = [prompts[index // per_prompt] for index in range(len(signals))]
        return to_output(signals, owners, output, include_prompt, self.band, keep_identity)

    def streamer(
        self,
        features: EEGFeatures,
        callback: Callable[[list[np.ndarray]], Any],
        sampling_rate: float | None = None,
    ) -> GETStream:
        """Returns a streamer for `generate`, which gives EEG in microvolts, patch by patch.

        Args:
            features: Features that are passed to the model.
            callback: Function that is called with each patch: a list with an array `(channels, times)` in microvolts
                for each row. A patch comes `GETStream.latency` seconds of generated EEG after it was generated.
            sampling_rate: Sampling rate of the patches in Hz. None: that of each recording.

        Raises:
            ValueError: `decode` could not decode these features, `callback` cannot be called, or the rate is not
                positive.

        Example:
            >>> model.generate(**features, seconds=60, streamer=extractor.streamer(features, print))  # doctest: +SKIP
        """
        check_decodable(features, "streamer")
        rate = None if sampling_rate is None else number("sampling_rate", sampling_rate)

        def decoder(prompt: Prompt, before: list[int]) -> ContinuationDecoder:
            return self._decoder(prompt, before, output_rate=rate)

        return GETStream(decoder, self.vocabulary, features, callback, self.patch_size, self.sampling_rate)

    def _decoder(self, prompt: Prompt, before: list[int], **options: Any) -> ContinuationDecoder:
        """Returns a decoder for a continuation of a prompt whose patches have the condition ids `before`."""
        own = prompt, before, self.transform, self.gains, self.conditions, self.sampling_rate, self.band[0]
        return ContinuationDecoder(*own, **options)
