# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A small convolutional network that separates two sets of EEG windows by the raw signal.

It has two layers of convolution, as in EEGNet (Lawhern et al., J. Neural Eng. 15, 2018). The first filters space and
time at once. Half of its filters are squared and averaged, as in ShallowFBCSPNet (Schirrmeister et al., Human Brain
Mapping 38, 2017), because EEG differs most in power, which plain convolutions learn slowly.

It replaces braindecode, because braindecode 1.8 imports torchaudio, whose newest package (2.11.1) does not load
without CUDA.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


class ConvolutionalNet(nn.Module):
    """Maps standardised windows `(batch, channels, times)` to logits `(batch,)`.

    Args:
        n_chans: Number of channels.
        n_filters: Number of filters in space and time; every second filter is squared.
        kernel_size: Length of the filters in samples.
        dropout: Dropout before the last layer.
    """

    def __init__(self, n_chans: int, n_filters: int = 32, kernel_size: int = 15, dropout: float = 0.25):
        super().__init__()
        self.first = nn.Conv1d(n_chans, n_filters, kernel_size, stride=2, padding=kernel_size // 2, bias=False)
        self.first_norm = nn.BatchNorm1d(n_filters)
        self.pool = nn.AvgPool1d(5)
        self.second = nn.Conv1d(n_filters, n_filters, 3, bias=False)
        self.second_norm = nn.BatchNorm1d(n_filters)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(2 * n_filters, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the logits; see the class."""
        x = self.first_norm(self.first(x))
        wave, power = x[:, ::2], x[:, 1::2]
        x = torch.cat([self.pool(nn.functional.elu(wave)), torch.log(self.pool(power**2) + 1e-3)], dim=1)
        x = nn.functional.elu(self.second_norm(self.second(x)))
        # mean and spread over the window: bursts come and go
        x = torch.cat([x.mean(dim=-1), x.std(dim=-1)], dim=1)
        return self.last(self.dropout(x)).squeeze(-1)


class ConvolutionalClassifier:
    """`ConvolutionalNet` with the two methods of a scikit-learn classifier.

    Args:
        n_epochs: Number of passes over the windows. There is no early stopping, which would need held-out people.
        batch_size: Windows in a step.
        learning_rate: Initial learning rate; it falls to 0 as a cosine.
        seed: Seed of weights, order and dropout.
    """

    def __init__(self, n_epochs: int = 12, batch_size: int = 32, learning_rate: float = 3e-3, seed: int = 0):
        self.n_epochs, self.batch_size, self.learning_rate, self.seed = n_epochs, batch_size, learning_rate, seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> ConvolutionalClassifier:
        """Trains on windows `(windows, channels, times)` in microvolts with labels 0 and 1, `(windows,)`."""
        # statistics of the training windows only, never of the judged people
        self.mean = x.mean(axis=(0, 2), keepdims=True)
        self.scale = x.std(axis=(0, 2), keepdims=True) + 1e-6
        signal, label = self._tensor(x), torch.as_tensor(y, dtype=torch.float32)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.net = ConvolutionalNet(x.shape[1]).train()
            optimizer = torch.optim.AdamW(self.net.parameters(), self.learning_rate, weight_decay=0.05)
            n_steps = self.n_epochs * -(-len(x) // self.batch_size)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
            for _ in range(self.n_epochs):
                for batch in torch.randperm(len(x)).split(self.batch_size):
                    loss = nn.functional.binary_cross_entropy_with_logits(self.net(signal[batch]), label[batch])
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    schedule.step()
        return self

    @torch.inference_mode()
    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities of the labels 0 and 1, `(windows, 2)`."""
        self.net.eval()
        one = torch.cat([torch.sigmoid(self.net(part)) for part in self._tensor(x).split(256)]).double().numpy()
        return np.stack([1 - one, one], axis=1)

    def _tensor(self, x: np.ndarray) -> torch.Tensor:
        return torch.as_tensor((x - self.mean) / self.scale, dtype=torch.float32)
