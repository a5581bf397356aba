# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What the estimators of scikit-learn share: they load a checkpoint, read epochs, and compute features."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.modeling.pipeline_get import TOKENS_AT_ONCE
from get_hf.pretrained import CHECKPOINT, find_checkpoint, load_folder
from get_hf.processing.calibration_get import check_policy

#: Inputs of a classifier, by epoch.
INPUTS = ("input_values", "channel_positions", "channel_mask", "attention_mask", "calibration")


class EEGEstimator(BaseEstimator):
    """Base of both estimators: loads a checkpoint, and prepares epochs and arrays for it."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        tags.target_tags.required = isinstance(self, ClassifierMixin)
        return tags

    def calibrate(self, recording: Any):
        """Sets the recording that later epochs are calibrated on, such as the first minute of a session.

        By default the epochs of one call are calibrated on each other. With a calibration, epochs can be classified
        one by one, and the result for an epoch does not depend on the epochs beside it.

        Args:
            recording: As for `GETFeatureExtractor`, with the channels of the epochs; an array `(channels, times)` or
                `(batch, channels, times)` has the `sampling_rate`, `ch_names` and `unit` of the estimator. None:
                epochs are calibrated on each other again.

        Returns:
            The estimator.
        """
        check_is_fitted(self)
        self.calibration_ = None
        if recording is not None:
            described = self._description() if isinstance(recording, (np.ndarray, torch.Tensor)) else {}
            self.calibration_ = self.extractor_.calibrate(recording, **described)
        return self

    def _description(self) -> dict[str, Any]:
        return {"sampling_rate": self.sampling_rate, "ch_names": self.ch_names, "unit": self.unit}

    def _load(self) -> GETModel | GETForSequenceClassification:
        """Loads the checkpoint, and returns its model."""
        check_policy(self.calibrate_on)
        checkpoint = CHECKPOINT if self.checkpoint is None else self.checkpoint
        model, extractor = load_folder(find_checkpoint(checkpoint), name=str(checkpoint))
        self.calibration_ = None
        self.extractor_ = extractor.but(calibrate_on=self.calibrate_on)
        return model

    def _read(self, X: Any, reset: bool, **labels) -> Any:
        """Checks epochs or an array, and returns `mne.Epochs` or an array `(n_epochs, n_chans, n_times)`.

        With `y=` it also returns the checked labels.
        """
        epochs = as_epochs(X)
        if epochs is None:
            checked = validate_data(self, X, reset=reset, allow_nd=True, dtype=np.float64, **labels)
            return (self._three_axes(checked[0]), checked[1]) if labels else self._three_axes(checked)
        if reset:
            self.n_features_in_ = len(eeg_names(epochs))
        if not labels:
            return epochs
        y = column_or_1d(labels["y"], warn=True)
        check_consistent_length(epochs, y)
        return epochs, y

    def _three_axes(self, X: np.ndarray) -> np.ndarray:
        if X.ndim != 3:
            raise ValueError(
                f"X has {X.ndim} axes: give mne.Epochs, or an array (n_epochs, n_chans, n_times) with sampling_rate=, "
                f"ch_names= and unit= for {type(self).__name__}."
            )
        return X

    def _inputs(self, X: Any, groups: Sequence[Any] | None) -> dict[str, torch.Tensor]:
        """Inputs of the model for epochs as `_read` returns them; each group is calibrated by itself."""
        described = self._description() if isinstance(X, np.ndarray) else {}
        if groups is None:
            features = self.extractor_(X, **described, calibrate_on=self.calibration_)
            return {name: features[name] for name in INPUTS}
        if self.calibration_ is not None:
            raise ValueError("groups and calibrate() both say what epochs are calibrated on: leave one out.")
        groups = np.asarray(groups)
        check_consistent_length(X, groups)
        order, parts = [], []
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            order.append(rows)
            parts.append(self.extractor_(X[rows], **described))
        back = torch.from_numpy(np.argsort(np.concatenate(order)))
        return {name: torch.cat([part[name] for part in parts])[back] for name in INPUTS}

    def _embed(self, model: GETForSequenceClassification, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Features `(n_epochs, n_features)` on the CPU."""
        n_chans, n_times = inputs["input_values"].shape[1:]
        at_once = max(1, TOKENS_AT_ONCE * model.config.patch_size // (n_chans * n_times))
        parts = []
        for start in range(0, len(inputs["input_values"]), at_once):
            batch = {name: tensor[start : start + at_once].to(model.device) for name, tensor in inputs.items()}
            parts.append(model.embed(**batch).float().cpu())
        return torch.cat(parts)


def as_epochs(X: Any) -> Any:
    """Returns `mne.Epochs` without rejected epochs, joined where they are a list; None for anything else."""
    mne = sys.modules.get("mne")
    if mne is None:
        return None
    if isinstance(X, (list, tuple)) and X and all(isinstance(each, mne.BaseEpochs) for each in X):
        # scikit-learn takes epochs out of a set one by one
        X = mne.concatenate_epochs([each.copy().load_data() for each in X], verbose="error")
    return X.copy().drop_bad(verbose="error") if isinstance(X, mne.BaseEpochs) else None


def events_of(X: Any) -> np.ndarray | None:
    """The name of the event of each epoch; None for arrays."""
    epochs = as_epochs(X)
    if epochs is None:
        return None
    names = {code: name for name, code in epochs.event_id.items()}
    return np.array([names[code] for code in epochs.events[:, 2]])


def eeg_names(epochs: Any) -> list[str]:
    """Names of the EEG channels of `mne.Epochs`."""
    return [epochs.ch_names[index] for index in sys.modules["mne"].pick_types(epochs.info, eeg=True, exclude=[])]
