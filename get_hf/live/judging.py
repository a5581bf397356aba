# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What models say of a stream of clean EEG: the surprise of a patch, the class of a window, and a forecast."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import mne
import numpy as np
import torch
from transformers.cache_utils import DynamicCache

from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.processing.calibration_get import Calibration
from get_hf.processing.feature_extraction_get import EEGFeatures, GETFeatureExtractor
from get_hf.scoring import FLOW_STEPS, Reference
from get_hf.thread_warnings import warnings_taken
from get_hf.windows import WindowSettings

#: Number of continuations in a forecast, and seconds before it that are handed on with it.
N_DRAWS, BEFORE_SECONDS = 3, 2.0


class Forecast(NamedTuple):
    """How a stream may go on.

    Attributes:
        past: `(channels, times)`: the last seconds of clean EEG, in microvolts at the model's rate.
        draws: `(draws, channels, times)`: continuations of it. Channels that are left out are NaN.
        seconds: Where they begin, in seconds from the first sample that was heard.
    """

    past: np.ndarray
    draws: np.ndarray
    seconds: float


def _inputs(calibration: Calibration, extractor: GETFeatureExtractor, good: np.ndarray) -> dict[str, torch.Tensor]:
    """The inputs of a model that stay the same while the same channels `good` `(channels,)` are used."""
    fit = calibration.fit(extractor.transform, good)
    features = np.zeros((len(good), fit.calibration.shape[-1]), np.float32)
    features[good] = fit.calibration
    return {
        "channel_positions": torch.as_tensor(calibration.positions, dtype=torch.float32)[None],
        "channel_mask": torch.as_tensor(good, dtype=torch.int64)[None],
        "calibration": torch.as_tensor(features)[None],
    }


class PatchScorer:
    """Computes the surprise of patches one after another; a cache holds the past.

    Args:
        model: The model.
        extractor: Its feature extractor.
        calibration: What the transform is fitted to.
    """

    def __init__(self, model: GETModel, extractor: GETFeatureExtractor, calibration: Calibration):
        self._model, self._extractor, self._calibration = model, extractor, calibration
        self._size = model.config.patch_size

    def begin(self, good: np.ndarray, past: np.ndarray) -> None:
        """Begins with other channels, or without a past.

        Args:
            good: `(channels,)` bool: the channels that are used from now on.
            past: Innovations `(good channels, times)` of whole patches before, which may be none.
        """
        self._good = good
        inputs = _inputs(self._calibration, self._extractor, good)
        self._given = {name: value.to(self._model.device) for name, value in inputs.items()}
        self._cache = DynamicCache(config=self._model.config)
        self._last = torch.zeros(1, len(good), self._size, device=self._model.device)  # the start patch
        if past.shape[-1]:
            self.score(past)

    def score(self, values: np.ndarray) -> np.ndarray:
        """Returns the surprise `(channels, patches)` in nats of the next innovations `(good channels, times)`."""
        every = np.zeros((len(self._good), values.shape[-1]), np.float32)
        every[self._good] = values
        patches = torch.cat([self._last, torch.as_tensor(every, device=self._model.device)[None]], dim=-1)
        nats = self._model.score(patches, **self._given, num_flow_steps=FLOW_STEPS, past_key_values=self._cache)
        self._last = patches[..., -self._size :]
        return nats[0, :, 1:].float().cpu().numpy()


class WindowClassifier:
    """Classifies the last window of a stream.

    Args:
        model: A classifier.
        extractor: Its feature extractor.
        of_model: The feature extractor that cleans the stream.
        reference: What is usual.
        every_seconds: Seconds from one window to the next.

    Attributes:
        classes: Names of the classes.
        settings: Lengths in patches.

    Raises:
        ValueError: The classifier needs EEG that is cleaned in another way, or is none of single classes.
    """

    def __init__(
        self,
        model: GETForSequenceClassification,
        extractor: GETFeatureExtractor,
        of_model: GETFeatureExtractor,
        reference: Reference,
        every_seconds: float,
    ):
        self.settings = check_classifier(model, extractor, of_model, every_seconds)
        self.classes = [model.config.id2label[index] for index in range(model.config.num_labels)]
        self._model, self._extractor = model, extractor
        # the fits that a calibration remembers are of one extractor
        self._calibration = dataclasses.replace(reference.calibration, _fits={})

    @property
    def n_times(self) -> int:
        """Samples of a window, and of what the filters need before it."""
        return self.settings.n_window * self.settings.patch_size + self._extractor.transform.n_memory

    @torch.no_grad()
    def classify(self, signal: np.ndarray, good: np.ndarray) -> np.ndarray:
        """Returns the probabilities `(classes,)` of a window.

        Args:
            signal: `(good channels, times)` in microvolts without events. It has `n_times` samples; less, if the
                window is at the beginning of a stretch.
            good: `(channels,)` bool: the channels.
        """
        transform, positions = self._extractor.transform, self._calibration.positions[good]
        fit = self._calibration.fit(transform, good)
        n_own = self.settings.n_window * self.settings.patch_size
        values = transform.forward(signal, positions, has_memory=signal.shape[-1] >= self.n_times, fit=fit).values[
            :, -n_own:
        ]
        every = np.zeros((len(good), self.settings.patch_size + n_own), np.float32)
        every[good, self.settings.patch_size :] = values
        inputs = {"input_values": torch.as_tensor(every)[None], **_inputs(self._calibration, self._extractor, good)}
        logits = self._model(**{name: value.to(self._model.device) for name, value in inputs.items()}).logits
        return logits[0].float().softmax(-1).cpu().numpy()


def check_classifier(
    model: GETForSequenceClassification,
    extractor: GETFeatureExtractor,
    of_model: GETFeatureExtractor,
    every_seconds: float,
) -> WindowSettings:
    """Returns the lengths of windows of a classifier, if it can classify what another extractor cleans.

    Raises:
        ValueError: It cannot.
    """
    model.config.check_extractor(extractor.to_dict())
    ours, theirs = ((each.sampling_rate, each.patch_size, tuple(each.band)) for each in (of_model, extractor))
    if ours != theirs:
        raise ValueError(
            f"The classifier needs EEG of (Hz, samples of a patch, band) {theirs}, and the model EEG of {ours}: "
            "name a classifier that was fine-tuned from this checkpoint."
        )
    return WindowSettings.of(model, None, every_seconds, every_seconds)


class Forecaster:
    """Continues a stream of clean EEG a few times.

    Args:
        model: The model.
        extractor: Its feature extractor.
        reference: What is usual.
        info: Names and positions of the channels.
        seconds: Length of a forecast.
        n_draws: Number of continuations.
    """

    def __init__(
        self,
        model: GETModel,
        extractor: GETFeatureExtractor,
        reference: Reference,
        info: mne.Info,
        seconds: float,
        n_draws: int = N_DRAWS,
    ):
        self._model, self._extractor, self._reference = model, extractor, reference
        self.seconds, self._n_draws = seconds, n_draws
        self._info = info.copy()
        with self._info._unlock():
            self._info["sfreq"], self._info["lowpass"] = extractor.sampling_rate, extractor.sampling_rate / 2

    def prepare(self, signal: np.ndarray, good: np.ndarray, begins: float) -> Callable[[], Forecast | None]:
        """Returns a function that computes how the stream may go on; it returns None if the past holds no EEG.

        The function may be called in another thread. It does not change the level of MNE's log, which all threads
        share: two that change it at the same time may leave it changed.

        Args:
            signal: Clean EEG `(channels, times)` in microvolts.
            good: `(channels,)` bool: the channels that are used.
            begins: End of `signal`, in seconds from the first sample that was heard.
        """
        info = self._info.copy()
        info["bads"] = [name for name, fine in zip(info["ch_names"], good, strict=True) if not fine]
        raw = mne.io.RawArray(1e-6 * signal, info, verbose="ERROR")
        past = signal[:, -round(BEFORE_SECONDS * self._extractor.sampling_rate) :].copy()
        return partial(self._forecast, raw, past, begins)

    @torch.no_grad()
    def _forecast(self, raw: mne.io.BaseRaw, past: np.ndarray, begins: float) -> Forecast | None:
        with warnings_taken():  # which channels are left out is told already
            try:
                features = self._extractor(
                    raw,
                    band_limited=True,
                    calibrate_on=self._reference.calibration,
                    context_seconds=self._model.config.context_seconds,
                )
            except ValueError:  # seconds that hold no EEG
                return None
        given = features.to(self._model.device)
        made = self._model.generate(
            **given,
            seconds=self.seconds,
            num_return_sequences=self._n_draws,
            generator=torch.Generator().manual_seed(0),
            past_key_values=self._past(given),
        )
        draws = np.stack(self._extractor.decode(made, features, "array", include_prompt=False))
        draws[:, np.isin(raw.ch_names, raw.info["bads"])] = np.nan
        return Forecast(past, draws, begins)

    def _past(self, given: EEGFeatures) -> DynamicCache | None:
        """The past of all continuations, which is computed once; None: there is none before the last patch."""
        size, cache = self._model.config.patch_size, DynamicCache(config=self._model.config)
        before = dict(given)
        before["input_values"] = given["input_values"][..., :-size]
        for name in ("attention_mask", "condition_ids"):
            if name in before:
                before[name] = before[name][:, : before["input_values"].shape[-1] // size]
        if not before["input_values"].shape[-1]:
            return None
        self._model(**before, past_key_values=cache)
        n_chans = given["input_values"].shape[1]  # a cache has a row for each channel
        cache.reorder_cache(torch.arange(n_chans, device=self._model.device).repeat(self._n_draws))
        return cache
