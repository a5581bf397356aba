# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET as a module of torch with the arguments of braindecode's models, for skorch, braindecode and Open EEG Bench."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np
import torch
from torch import nn

from get_hf.modeling.pooling_get import GETPooling
from get_hf.pretrained import CHECKPOINT, find_checkpoint, load_folder
from get_hf.processing.calibration_get import check_policy
from get_hf.processing.units_get import volts_per_unit

#: Inputs of the network, by window.
INPUTS = ("input_values", "channel_positions", "channel_mask", "attention_mask", "calibration")
#: Deviation below which a feature counts as constant.
LEAST_DEVIATION = 1e-3


class GETModule(nn.Module):
    """Maps windows of EEG to logits, by a pretrained GET and a linear layer, `final_layer`.

    It has the arguments and the input of braindecode's models, so what trains those trains it: skorch, braindecode's
    `EEGClassifier`, or `open_eeg_bench.benchmark(GETModule, ...)`.

    braindecode leaves the unit of windows to its users, and its data sets are in microvolts; so `unit` is microvolts
    unless another one is given. Windows must not be normalised before: the transform to the model's input does so. It
    runs on the CPU and has no gradient. It is estimated from the windows of each batch together, or from the recording
    that was given to `calibrate`. In a batch, windows without a signal have features of zero.

    Features are standardised by their mean and deviation over the batches of training so far.

    Args:
        n_chans: Number of channels. None: as in `chs_info`.
        n_outputs: Number of classes, or of outputs in a regression.
        chs_info: A mapping for each channel with its `ch_name` and, if known, its `loc` as in `mne.Info["chs"]`; or
            the names alone. Names are of the 10-20, 10-10 or 10-05 system.
        n_times: Samples of a window; not needed.
        sfreq: Sampling rate of the windows in Hz.
        input_window_seconds: Length of a window in seconds; not needed.
        checkpoint: See `GETClassifier`.
        unit: Unit of the windows: "V", "mV", "uV" or "nV".
        calibrate_on: "all": windows of a batch share one transform. "each": each window has its own.
        drop_prob: Dropout of the features.

    Raises:
        ValueError: Channels or the rate are missing, or the arguments contradict each other.

    Example:
        >>> from get_hf import GETModule
        >>> module = GETModule(n_outputs=2, chs_info=["C3", "Cz", "C4"], sfreq=128)
        >>> module(20 * torch.randn(8, 3, 384)).shape
        torch.Size([8, 2])
    """

    def __init__(
        self,
        n_chans: int | None = None,
        n_outputs: int | None = None,
        chs_info: Sequence[Mapping[str, Any] | str] | None = None,
        n_times: int | None = None,
        sfreq: float | None = None,
        input_window_seconds: float | None = None,
        checkpoint: str | Path | None = None,
        unit: str = "uV",
        calibrate_on: str = "all",
        drop_prob: float = 0.0,
    ):
        super().__init__()
        if chs_info is None or sfreq is None or n_outputs is None:
            raise ValueError(
                "GETModule needs n_outputs=, sfreq= in Hz and chs_info=, the channels in order, by which it knows "
                "their positions: a list of names, or info['chs'] of MNE."
            )
        if n_chans is not None and n_chans != len(chs_info):
            raise ValueError(f"n_chans is {n_chans}, and chs_info has {len(chs_info)} channels: give one for each.")
        has_both = n_times is not None and input_window_seconds is not None
        if has_both and round(input_window_seconds * sfreq) != n_times:  # type: ignore[operator]
            raise ValueError(
                f"n_times is {n_times}, and input_window_seconds is {input_window_seconds} s of {sfreq:g} Hz: leave "
                "one out."
            )
        self.n_chans, self.n_outputs, self.n_times, self.sfreq = len(chs_info), n_outputs, n_times, float(sfreq)
        self.unit, self.calibrate_on = unit, check_policy(calibrate_on)
        self._volts = volts_per_unit(unit) if isinstance(unit, str) else None
        if self._volts is None:
            raise ValueError(f"unit must be one of V, mV, uV, nV, not {unit!r}.")
        self.info = _info(chs_info, self.sfreq)
        checkpoint = CHECKPOINT if checkpoint is None else checkpoint
        pretrained, self.extractor = load_folder(find_checkpoint(checkpoint), name=str(checkpoint))
        self.config = pretrained.config
        self.calibration: Any = None
        # named as in checkpoints, so that tools which load weights by name find them
        self.backbone = pretrained.backbone
        self.pooling = GETPooling(self.config)
        n_features = self.config.num_classifier_features
        self.register_buffer("n_batches", torch.zeros(()))
        self.register_buffer("squares", torch.zeros(n_features))
        self.dropout = nn.Dropout(drop_prob)
        self.final_layer = nn.Linear(n_features, n_outputs)

    def calibrate(self, recording: Any) -> "GETModule":
        """Sets the recording that later batches are calibrated on, such as the first minute of a session.

        It is no part of the state dictionary.

        Args:
            recording: Windows `(windows, n_chans, n_times)` in `unit`; or `mne.io.Raw`, `mne.Epochs` or the name of a
                file, with the channels of the module. None: batches are calibrated on themselves again.

        Returns:
            The module.
        """
        if isinstance(recording, (np.ndarray, torch.Tensor)):
            recording = self._epochs(torch.as_tensor(recording).double().numpy(force=True))
        self.calibration = None if recording is None else self.extractor.calibrate(recording)
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes logits.

        Args:
            x: Windows `(batch, n_chans, n_times)` in `unit`, of any length from one patch (0.25 s) up.

        Returns:
            `(batch, n_outputs)`.

        Raises:
            ValueError: The windows have another number of channels, or cannot be read as EEG.
        """
        if x.ndim != 3 or x.shape[1] != self.n_chans:
            raise ValueError(f"Windows must be (batch, {self.n_chans}, times), not {tuple(x.shape)}.")
        signal = x.detach().double().numpy(force=True)
        is_silent = np.ptp(signal, axis=-1).max(axis=-1) == 0
        device = self.pooling.mean.device
        features = torch.zeros(len(x), self.config.num_classifier_features, device=device)
        if not is_silent.all():
            prepared = self.extractor(self._epochs(signal[~is_silent]), calibrate_on=self._policy())
            inputs = {name: prepared[name].to(device) for name in INPUTS}
            states = self.backbone(**inputs, use_cache=False).last_hidden_state
            pooled = self.pooling.pool(states, **inputs, window=None)
            if self.training:
                self._observe(pooled.detach())
            standardised = (pooled - self.pooling.mean) / self.pooling.deviation
            features = features.index_put((torch.from_numpy(~is_silent).to(device),), standardised)
        return self.final_layer(self.dropout(features))

    def _policy(self) -> Any:
        return self.calibrate_on if self.calibration is None else self.calibration

    def _epochs(self, signal: np.ndarray) -> mne.EpochsArray:
        return mne.EpochsArray(signal * self._volts, self.info, verbose="error")

    def _observe(self: Any, features: torch.Tensor) -> None:
        """Updates mean and deviation of the features by a batch (Chan et al., Am. Stat. 37, 1983)."""
        self.n_batches += 1
        of_batch = features.mean(0)
        difference = of_batch - self.pooling.mean if self.n_batches > 1 else torch.zeros_like(of_batch)
        mean = of_batch - difference * (1 - 1 / self.n_batches)
        self.squares += features.var(0, correction=0) + difference * (of_batch - mean)
        self.pooling.mean.copy_(mean)
        deviation = (self.squares / self.n_batches).sqrt()
        self.pooling.deviation.copy_(torch.where(deviation < LEAST_DEVIATION, 1.0, deviation))


def _info(chs_info: Sequence[Mapping[str, Any] | str], sfreq: float) -> mne.Info:
    """Channels as MNE describes them, with their positions where these are known."""
    names = [str(each if isinstance(each, str) else each["ch_name"]) for each in chs_info]
    info = mne.create_info(names, sfreq, "eeg", verbose="error")
    for channel, each in zip(info["chs"], chs_info, strict=True):
        if not isinstance(each, str) and each.get("loc") is not None:
            channel["loc"][:3] = np.asarray(each["loc"], dtype=np.float64)[:3]
    return info
