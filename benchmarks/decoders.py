# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The usual decoders of trials, which `decoding.py` compares with GET.

All are aligned for each person (He and Wu 2020): covariances or signals are whitened by the person's mean covariance,
which needs no labels. The networks come from braindecode.
"""

import importlib
import importlib.machinery
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from mne.decoding import CSP
from mne.filter import filter_data
from pyriemann.estimation import Covariances
from pyriemann.geometry.base import invsqrtm
from pyriemann.geometry.mean import gmean
from pyriemann.tangentspace import TangentSpace
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RATE = 100.0
#: Bands of the filter bank, in Hz.
BANKS = [(4, 8), (8, 12), (12, 16), (16, 20), (20, 24), (24, 28), (28, 32)]
#: Bands of log band power, in Hz.
POWERS = [(4, 8), (8, 13), (13, 20), (20, 30)]
#: Training of the networks: epochs, learning rate and batch size.
NETWORKS = {"EEGNet": (40, 1e-3, 64), "ShallowFBCSPNet": (40, 6e-4, 64), "EEGConformer": (30, 2e-4, 64)}


@dataclass(frozen=True)
class Trials:
    """Windows of people.

    Attributes:
        x: `(windows, channels, times)` in microvolts, 0.5-45 Hz at 100 Hz.
        labels: `(windows,)`.
        subjects: `(windows,)`.
    """

    x: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray

    def of(self, people: list[str]) -> "Trials":
        """The windows of some people."""
        own = np.isin(self.subjects, people)
        return Trials(self.x[own], self.labels[own], self.subjects[own])

    @classmethod
    def joined(cls, parts: list["Trials"]) -> "Trials":
        """The windows of several splits, one split after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "labels", "subjects")))


def band(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Filters windows to a band, in Hz."""
    return filter_data(x.astype(np.float64), RATE, low, high, method="iir", verbose="error")


def aligned(x: np.ndarray, subjects: np.ndarray, metric: str) -> np.ndarray:
    """Windows whose mean covariance is the identity for each person."""
    out = np.empty_like(x, dtype=np.float64)
    for person in np.unique(subjects):
        own = subjects == person
        mean = gmean(Covariances("oas").transform(x[own].astype(np.float64)), metric=metric)
        out[own] = invsqrtm(mean) @ x[own]
    return out


def csp_lda(train: Trials, judged: Trials, seed: int) -> np.ndarray:
    """CSP with six components and LDA on 8-30 Hz, aligned."""
    a, b = (aligned(band(part.x, 8, 30), part.subjects, "riemann") for part in (train, judged))
    decoder = make_pipeline(CSP(6, reg="oas"), LinearDiscriminantAnalysis())
    return decoder.fit(a, train.labels).predict_proba(b)


def tangent_features(trials: Trials, low: float, high: float) -> np.ndarray:
    """Tangent vectors of covariances in a band, aligned."""
    covariances = Covariances("oas").transform(aligned(band(trials.x, low, high), trials.subjects, "riemann"))
    # aligned covariances have the identity as their mean, so that the tangent space at the identity suits all people
    space = TangentSpace().fit(np.stack([np.eye(covariances.shape[1])] * 2))
    return space.transform(covariances)


def tangent_space(train: Trials, judged: Trials, seed: int) -> np.ndarray:
    """Tangent space of 8-30 Hz and logistic regression, aligned."""
    return _logistic(tangent_features(train, 8, 30), train.labels, tangent_features(judged, 8, 30))


def filter_bank(train: Trials, judged: Trials, seed: int) -> np.ndarray:
    """Tangent spaces of a filter bank and logistic regression, aligned."""
    a, b = (np.concatenate([tangent_features(part, *own) for own in BANKS], axis=-1) for part in (train, judged))
    return _logistic(a, train.labels, b)


def band_power(train: Trials, judged: Trials, seed: int) -> np.ndarray:
    """Log power of each channel in four bands and LDA; each person's mean is subtracted."""
    features = []
    for part in (train, judged):
        power = np.concatenate([np.log(band(part.x, *own).var(axis=-1)) for own in POWERS], axis=-1)
        for person in np.unique(part.subjects):
            power[part.subjects == person] -= power[part.subjects == person].mean(0)
        features.append(power)
    decoder = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return decoder.fit(features[0], train.labels).predict_proba(features[1])


def _logistic(a: np.ndarray, labels: np.ndarray, b: np.ndarray) -> np.ndarray:
    decoder = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=1000))
    return decoder.fit(a, labels).predict_proba(b)


class _Nothing(type):
    """Type of a stand-in for a class; its attributes are stand-ins, too."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name, (torch.nn.Module,), {})


class _Absent(types.ModuleType):
    """Stands in for a package that braindecode imports, but that the networks here do not use."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing(name, (torch.nn.Module,), {})


def braindecode_model(name: str) -> Callable[..., torch.nn.Module]:
    """A network of braindecode.

    Raises:
        ImportError: braindecode is not installed.
    """
    while True:
        try:
            return getattr(importlib.import_module("braindecode.models"), name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in ("braindecode", "skorch", "einops"):
                raise
            stand_in = _Absent(error.name)
            stand_in.__spec__ = importlib.machinery.ModuleSpec(error.name, None)
            sys.modules[error.name] = stand_in
            for module in [module for module in sys.modules if module.startswith("braindecode")]:
                del sys.modules[module]


def network(name: str) -> Callable[[Trials, Trials, int], np.ndarray]:
    """A decoder: a network of braindecode, trained for a fixed number of epochs on aligned windows."""

    def decode(train: Trials, judged: Trials, seed: int) -> np.ndarray:
        torch.manual_seed(seed)
        epochs, rate, size = NETWORKS[name]
        a, b = (
            torch.tensor(aligned(part.x, part.subjects, "euclid"), dtype=torch.float32) for part in (train, judged)
        )
        labels = torch.tensor(train.labels)
        n_classes = int(labels.max()) + 1
        model = braindecode_model(name)(n_chans=a.shape[1], n_outputs=n_classes, n_times=a.shape[2], sfreq=RATE)
        model = model.to(memory_format=torch.channels_last)  # a quarter faster on CPUs
        steps = max(1, len(a) // size)
        epochs = max(epochs, -(-400 // steps))  # few people: at least 400 updates
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
        model.train()
        for _ in range(epochs):
            order = torch.randperm(len(a))
            for part in order[: steps * size].split(size):
                loss = torch.nn.functional.cross_entropy(model(a[part]), labels[part])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        model.eval()
        with torch.no_grad():
            return torch.cat([model(part) for part in b.split(128)]).softmax(-1).numpy()

    return decode


BASELINES: dict[str, Callable[[Trials, Trials, int], np.ndarray]] = {
    "log band power + LDA": band_power,
    "CSP + LDA": csp_lda,
    "tangent space + LR": tangent_space,
    "filter-bank tangent space": filter_bank,
    **{name: network(name) for name in NETWORKS},
}
