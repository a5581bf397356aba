# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET as estimators of scikit-learn: a classifier of epochs, and a transformer from epochs to features.

from get_hf import GETClassifier
classifier = GETClassifier().fit(epochs)  # mne.Epochs
print(classifier.predict(other_epochs))
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassifierMixin, TransformerMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state

from get_hf.estimator_base import EEGEstimator, eeg_names, events_of
from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETForSequenceClassification
from get_hf.processing.reading_get import check_rate

#: How `GETClassifier` is fitted.
METHODS = ("head", "full", "adapt")
#: Names of the nine functions of electrode position by which features are pooled.
FUNCTIONS = ("1", "x", "y", "z", "xy", "yz", "zx", "x2-y2", "3z2-1")


class GETClassifier(ClassifierMixin, EEGEstimator):
    """Classifies epochs of EEG by features of a pretrained GET.

    `fit` and `predict` take `mne.Epochs`, a list of them, or arrays `(n_epochs, n_chans, n_times)`. A classifier that
    was fitted on `mne.Epochs` also classifies epochs with other channels.

    The epochs of one call are one session: they share the transform to the model's input, which is estimated from all
    of them. So a prediction depends on the epochs that are predicted together, of which there should be many (a
    minute, say). If there are several sessions or people, name them by `groups=`; to classify epochs one by one, give
    the session's beginning to `calibrate`.

    Args:
        checkpoint: Folder of a checkpoint, `owner/name@revision` on the Hub, or a shipped classifier ("fists" or
            "eyes"). None: the checkpoint in this package.
        method: "head" keeps the pretrained weights: a logistic regression reads their standardised features, takes
            seconds, and suits a few dozen epochs. "full" then trains all weights from there (linear probing then
            fine-tuning, Kumar et al., ICLR 2022), with a random half or more of the channels in each batch. "adapt"
            is for a `checkpoint` that is a classifier of the same classes: its linear layer changes as little as a
            few trials of a new person ask for.
        sampling_rate: Of arrays, in Hz.
        ch_names: Of arrays: channel names of the 10-20, 10-10 or 10-05 system.
        unit: Of arrays: "V", "mV", "uV" or "nV".
        strength: Inverse strength of the regularisation, `C` of `sklearn.linear_model.LogisticRegression`. None: the
            best in cross-validation on the training epochs, which leaves out whole groups where there are groups; in
            "adapt", a fixed one.
        epochs: Passes over the training epochs in "full".
        learning_rate: Largest learning rate of AdamW in "full".
        batch_size: Epochs in a batch in "full".
        calibrate_on: "all": epochs of a call or group share one transform. "each": each epoch has its own, which hides
            many differences between classes. See `GETFeatureExtractor`.
        random_state: Seed of the order of batches and of the choice of channels in "full".
        device: Where the network runs, such as "cuda".

    Attributes:
        classes_: The classes.
        model_: `GETForSequenceClassification` whose linear layer is the logistic regression.
        extractor_: Its `GETFeatureExtractor`.
        strength_: The strength of the regularisation that was used.
        n_features_in_: Number of channels in training.

    Example:
        >>> from get_hf import GETClassifier
        >>> classifier = GETClassifier(sampling_rate=128, ch_names=["C3", "Cz", "C4"], unit="uV")
        >>> classifier.fit(X, y).predict(X)  # doctest: +SKIP
    """

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        method: str = "head",
        sampling_rate: float | None = None,
        ch_names: Sequence[str] | None = None,
        unit: str | None = None,
        strength: float | None = None,
        epochs: int = 10,
        learning_rate: float = 2e-4,
        batch_size: int = 16,
        calibrate_on: str = "all",
        random_state: Any = None,
        device: str = "cpu",
    ):
        self.checkpoint = checkpoint
        self.method = method
        self.sampling_rate = sampling_rate
        self.ch_names = ch_names
        self.unit = unit
        self.strength = strength
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.calibrate_on = calibrate_on
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any = None, groups: Sequence[Any] | None = None) -> "GETClassifier":
        """Fits the classifier.

        Args:
            X: `mne.Epochs`, in volts as MNE keeps them; a list of them, which are joined; or an array `(n_epochs,
                n_chans, n_times)` in `unit`.
            y: `(n_epochs,)` classes. None: the names of the events of `mne.Epochs`.
            groups: `(n_epochs,)` session or person of each epoch. None: all epochs are of one session.

        Raises:
            UnknownChannelError: A channel name has no known position.
            ValueError: An argument has an impossible value, there is one class only, or the input cannot be read as
                EEG, see `GETFeatureExtractor`.
        """
        from get_hf.training.finetuning.probe import choose_strength, fit_linear, standardise

        self._check_settings()
        X, y = self._read(X, reset=True, y=events_of(X) if y is None else y)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds the one class {self.classes_[0]}: a classifier needs epochs of at least two.")
        pretrained = self._load()
        model = self._new_model(pretrained, X).to(self.device)
        inputs = self._inputs(X, groups)
        if self.method == "adapt":
            self._adapt(pretrained, model, inputs, labels)
            return self
        features = self._embed(model, inputs)
        features = standardise(model.cpu(), features)
        self.strength_ = choose_strength(features, labels, groups) if self.strength is None else self.strength
        fit_linear(model, features, labels, self.strength_)
        self.model_ = model.to(self.device)
        if self.method == "full":
            self._train_all(inputs, torch.from_numpy(labels))
        return self

    def predict_proba(self, X: Any, groups: Sequence[Any] | None = None) -> np.ndarray:
        """Probabilities of the classes, `(n_epochs, n_classes)`.

        Args:
            X: See `fit`.
            groups: See `fit`.
        """
        check_is_fitted(self)
        inputs = self._inputs(self._read(X, reset=False), groups)
        positions = inputs["channel_positions"][inputs["channel_mask"].bool()]
        self.extractor_.check_montage(self.model_.config.training_channels, positions.numpy())
        features = self._embed(self.model_, inputs)
        with torch.no_grad():
            logits = self.model_.classifier(features.to(self.model_.device))
        return logits.double().softmax(-1).cpu().numpy()

    def predict(self, X: Any, groups: Sequence[Any] | None = None) -> np.ndarray:
        """The most probable class of each epoch, `(n_epochs,)`.

        Args:
            X: See `fit`.
            groups: See `fit`.
        """
        probabilities = self.predict_proba(X, groups)
        return self.classes_[probabilities.argmax(-1)]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Sequence[Any] | None = None) -> float:
        """Accuracy.

        Args:
            X: See `fit`.
            y: See `fit`.
            sample_weight: `(n_epochs,)` weights of the epochs.
            groups: See `fit`.
        """
        y = events_of(X) if y is None else y
        return accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight)

    def save_pretrained(self, folder: str | Path) -> None:
        """Saves the classifier as a checkpoint, for `pipeline("eeg-classification", model=folder)`.

        It divides recordings into windows as long as the training epochs.
        """
        check_is_fitted(self)
        self.model_.save_pretrained(folder)
        self.extractor_.save_pretrained(folder)

    def _check_settings(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}, not {self.method!r}.")
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a whole number from 1 up, not {value!r}.")
        for name in ("learning_rate", "strength"):
            value = getattr(self, name)
            is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not (value is None and name == "strength") and not (is_number and 0 < value < np.inf):
                raise ValueError(f"{name} must be a number above 0, not {value!r}.")

    def _new_model(self, pretrained: Any, X: Any) -> GETForSequenceClassification:
        """A classifier of the classes on the backbone of a checkpoint."""
        rate = self.sampling_rate if isinstance(X, np.ndarray) else X.info["sfreq"]
        if rate is not None:
            check_rate(rate)
        names = self.ch_names if isinstance(X, np.ndarray) else eeg_names(X)
        n_times = X.shape[-1] if isinstance(X, np.ndarray) else len(X.times)
        names_of_classes = [str(name) for name in self.classes_]
        settings = deepcopy(pretrained.config).to_dict() | {
            "id2label": dict(enumerate(names_of_classes)),
            "label2id": {name: index for index, name in enumerate(names_of_classes)},
        }
        config = GETConfig.from_dict(settings)
        patch_seconds = config.patch_size / config.sampling_rate
        if rate:
            config.window_seconds = patch_seconds * max(1, round(n_times / rate / patch_seconds))
            config.stride_seconds = None
        config.training_channels = None if names is None else [str(name) for name in names]
        with torch.random.fork_rng(devices=[]):
            model = GETForSequenceClassification(config)
        model.backbone.load_state_dict(pretrained.backbone.state_dict())
        return model.eval()

    def _adapt(self, pretrained: Any, model: Any, inputs: dict[str, torch.Tensor], labels: np.ndarray) -> None:
        """Adapts the linear layer of a classifier of the same classes."""
        from get_hf.training.finetuning.probe import ADAPTATION_STRENGTH, adapt_linear

        known = pretrained.config.label2id if isinstance(pretrained, GETForSequenceClassification) else {}
        names = [str(name) for name in self.classes_]
        if sorted(known) != sorted(names):
            theirs = f"tells {', '.join(known)} apart" if known else "is not a classifier"
            raise ValueError(
                f"method='adapt' needs a checkpoint that is a classifier of {', '.join(names)}, and "
                f"{self.checkpoint or 'the shipped checkpoint'} {theirs}: name another one, or choose method='head'."
            )
        order = [known[name] for name in names]
        model.pooling.load_state_dict(pretrained.pooling.state_dict())
        with torch.no_grad():
            model.classifier.weight.copy_(pretrained.classifier.weight[order])
            model.classifier.bias.copy_(pretrained.classifier.bias[order])
        self.strength_ = ADAPTATION_STRENGTH if self.strength is None else self.strength
        adapt_linear(model, self._embed(model, inputs), labels, self.strength_)
        self.model_ = model

    def _train_all(self, inputs: dict[str, torch.Tensor], labels: torch.Tensor) -> None:
        """Trains all weights, from the frozen backbone and its logistic regression on."""
        from transformers import get_cosine_schedule_with_warmup

        model = self.model_
        generator = torch.Generator().manual_seed(int(check_random_state(self.random_state).randint(2**31)))
        size = min(self.batch_size, len(labels))
        n_steps = self.epochs * -(-len(labels) // size)
        optimiser = torch.optim.AdamW(model.parameters(), self.learning_rate, weight_decay=0.05)
        schedule = get_cosine_schedule_with_warmup(optimiser, n_steps // 10, n_steps)
        model.train()
        for _ in range(self.epochs):
            for rows in torch.randperm(len(labels), generator=generator).split(size):
                batch = _some_channels({name: tensor[rows] for name, tensor in inputs.items()}, generator)
                batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
                model(**batch, labels=labels[rows].to(model.device)).loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                optimiser.zero_grad()
        model.eval()


class GETEmbedder(TransformerMixin, EEGEstimator):
    """Computes features of epochs of EEG by a pretrained GET, for any estimator of scikit-learn.

    The features are states of the network, log powers and calibration features, each pooled over channels by nine
    functions of electrode position, so that epochs with other channels have the same features. They are dimensionless
    and not standardised; put a `StandardScaler` before a linear model.

    Args:
        checkpoint: See `GETClassifier`, also for the other arguments.
        sampling_rate: Of arrays, in Hz.
        ch_names: Of arrays.
        unit: Of arrays.
        calibrate_on: "all" or "each".
        device: Where the network runs.

    Attributes:
        model_: `GETForSequenceClassification` that computes the features; its linear layer is not used.
        extractor_: Its `GETFeatureExtractor`.
        n_features_in_: Number of channels.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from get_hf import GETEmbedder
        >>> pipeline = make_pipeline(GETEmbedder(), StandardScaler(), LogisticRegression())
        >>> pipeline.fit(epochs, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        sampling_rate: float | None = None,
        ch_names: Sequence[str] | None = None,
        unit: str | None = None,
        calibrate_on: str = "all",
        device: str = "cpu",
    ):
        self.checkpoint = checkpoint
        self.sampling_rate = sampling_rate
        self.ch_names = ch_names
        self.unit = unit
        self.calibrate_on = calibrate_on
        self.device = device

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X: Any, y: Any = None) -> "GETEmbedder":
        """Loads the checkpoint, and checks the epochs.

        Args:
            X: See `GETClassifier.fit`.
            y: Not read.
        """
        self._read(X, reset=True)
        pretrained = self._load()
        with torch.random.fork_rng(devices=[]):
            model = GETForSequenceClassification(pretrained.config)
        model.backbone.load_state_dict(pretrained.backbone.state_dict())
        self.model_ = model.eval().to(self.device)
        return self

    def transform(self, X: Any, groups: Sequence[Any] | None = None) -> np.ndarray:
        """Features of epochs, `(n_epochs, n_features)` float32.

        Args:
            X: See `GETClassifier.fit`.
            groups: See `GETClassifier.fit`.
        """
        check_is_fitted(self)
        return self._embed(self.model_, self._inputs(self._read(X, reset=False), groups)).numpy()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the features, such as "power_10 x": the log power of coefficient 10, weighted by x.

        Args:
            input_features: Not read: the features do not belong to single channels.
        """
        check_is_fitted(self)
        config = self.model_.config
        states = [f"state_{index}" for index in range(config.hidden_size)]
        if config.classifier_pooling == "mean":
            return np.array(states, dtype=object)
        powers = [f"power_{index}" for index in range(config.patch_size)]
        calibration = [f"calibration_{index}" for index in range(config.num_calibration_features)]
        quantities = [*states, *powers, *calibration]
        return np.array([f"{quantity} {function}" for function in FUNCTIONS for quantity in quantities], dtype=object)


def _some_channels(batch: dict[str, torch.Tensor], generator: torch.Generator) -> dict[str, torch.Tensor]:
    """A batch with a random half or more of its channels, so that no single channel decides."""
    n_chans = batch["input_values"].shape[1]
    n_kept = int(torch.randint((n_chans + 1) // 2, n_chans + 1, (), generator=generator))
    kept = torch.randperm(n_chans, generator=generator)[:n_kept]
    return {name: tensor if name == "attention_mask" else tensor[:, kept] for name, tensor in batch.items()}
