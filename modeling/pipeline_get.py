# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pipelines of transformers for GET: from a recording, as the feature extractor takes it, to EEG, classes or features.

generate = pipeline("eeg-generation", model="org/get-eeg")
raw = generate("eyes_closed.edf", seconds=20, seed=0)[0]
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from copy import copy
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers.feature_extraction_utils import BatchFeature
from transformers.pipelines.base import Pipeline
from transformers.pipelines.pt_utils import PipelineDataset, PipelineIterator

#: Arguments of the feature extractor that describe a recording.
DESCRIPTION = ("sampling_rate", "ch_names", "unit", "condition", "annotation_conditions", "context_seconds", "person")
#: Keys of a row of a dataset that describe its `array`.
OF_A_ROW = ("sampling_rate", "ch_names", "unit")

#: Largest number of tokens that are classified at once. It keeps the memory independent of the length of a recording,
#: and the activations in the cache of a CPU core, which is a quarter faster than 16 thousand tokens at once.
TOKENS_AT_ONCE = 2048


class _EEGPipeline(Pipeline):
    """Base of the pipelines: checks that model and extractor belong together, and prepares recordings."""

    _load_feature_extractor = True
    _load_tokenizer = _load_processor = _load_image_processor = _load_video_processor = False

    def __init__(self, model, feature_extractor=None, **kwargs):
        if feature_extractor is None:
            raise ValueError("A pipeline of GET needs the model's feature extractor: pass feature_extractor=.")
        model.config.check_extractor(feature_extractor.to_dict())
        super().__init__(model, feature_extractor=feature_extractor, **kwargs)

    def __call__(self, recording: Any = None, **kwargs) -> Any:
        """Runs the pipeline on a recording, on each recording of a list or a column, or on the rows of a dataset.

        Args:
            recording: Any input of `GETFeatureExtractor`, or a row of a dataset. A row is a mapping with an `array`,
                its `sampling_rate` in Hz, its `ch_names` and its `unit`. The last three can also be passed as
                arguments.
            kwargs: `batch_size` is the number of recordings that run together; their channels and lengths may differ.
                All other arguments are described in the docstring of the class.

        Returns:
            For one recording, the result that the docstring of the class describes. For a list or a column, a list of
            such results. For a dataset (also `KeyDataset`) or a generator, an iterator over such results.
        """
        if isinstance(recording, Sequence) and not isinstance(recording, (str, bytes, list, tuple)):  # dataset["eeg"]
            return list(super().__call__((row for row in recording), **kwargs))
        if hasattr(recording, "column_names"):  # datasets.Dataset and IterableDataset
            return super().__call__((row for row in recording), **kwargs)
        return super().__call__(recording, **kwargs)

    def get_iterator(
        self,
        inputs: Any,
        num_workers: int,
        batch_size: int,
        preprocess_params: dict[str, Any],
        forward_params: dict[str, Any],
        postprocess_params: dict[str, Any],
    ) -> Iterator[Any]:
        """Works as in the base class, but the feature extractor pads batches; an input may hold several recordings."""
        dataset = (PipelineDataset if isinstance(inputs, Sized) else PipelineIterator)(
            inputs, self.preprocess, preprocess_params
        )
        for items in DataLoader(dataset, batch_size, num_workers=num_workers, collate_fn=list):
            made = self.forward(self.feature_extractor.pad(items), **forward_params)
            start = 0
            for item in items:
                stop = start + len(item["input_values"])
                yield self.postprocess(self._part(made, start, stop), **postprocess_params)
                start = stop

    def _part(self, made: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
        """Returns the part of the output of `_forward` that belongs to recordings `start` to `stop` of a batch."""
        raise NotImplementedError

    def preprocess(self, recording: Any, **description) -> BatchFeature:
        """Prepares the model's inputs from a recording, which may be a row of a dataset."""
        if isinstance(recording, Mapping):
            recording, description = _of_row(recording, description)
        return self.feature_extractor(recording, **description)

    def _ensure_tensor_on_device(self, inputs: Any, device: torch.device) -> Any:
        # the base class would turn features into a plain dictionary, which decode() cannot read
        is_features = isinstance(inputs, BatchFeature)
        return inputs.to(device) if is_features else super()._ensure_tensor_on_device(inputs, device)


def _of_row(row: Mapping[str, Any], description: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Returns the array of a row, and its description, in which arguments complete the values of the row.

    Raises:
        ValueError: There is no array, or the row and an argument contradict each other.
    """
    if row.get("array") is None:
        found = ", ".join(str(name) for name, value in row.items() if value is not None) or "nothing"
        raise ValueError(
            f"A row of EEG is a mapping with array and sampling_rate, not with {found}: give the column that holds "
            "them, such as KeyDataset(dataset, 'eeg')."
        )
    own = {name: row[name] for name in OF_A_ROW if row.get(name) is not None}
    for name, value in own.items():
        given = description.get(name)
        if given is not None and (list(given) != list(value) if name == "ch_names" else given != value):
            raise ValueError(f"{name}={given!r} contradicts the row's own {value!r}: leave {name} out.")
    return row["array"], description | own


class EEGGenerationPipeline(_EEGPipeline):
    """Pipeline that continues recordings, or generates EEG without one: `pipeline("eeg-generation", model=...)`.

    Arguments of a call:

    - `recording`: a file that MNE reads, `mne.io.Raw`, `mne.Epochs`, or an array `(channels, times)` or `(batch,
      channels, times)`. With an array, pass `sampling_rate=` in Hz, `ch_names=` and `unit=`. A row of a dataset may
      hold all of these: `{"array": ..., "sampling_rate": ..., "ch_names": ..., "unit": ...}`. A list or a dataset of
      recordings is also accepted. To generate without a prompt, pass no recording, but `ch_names=`;
    - `condition=`: the condition of the recording;
    - `next_condition=`: the condition of the generated part. It is a name, or a plan of conditions and seconds such as
      `[("eyes_open", 10), ("left_fist", 4)]`;
    - the other arguments of `GETFeatureExtractor`;
    - `seconds=`, `temperature=`, `num_return_sequences=` and the other options of `GETModel.generate`;
    - `seed=`: the same seed gives the same samples each time;
    - `batch_size=`: number of recordings of a list or a dataset that run together;
    - `output="raw"`, "epochs" or "array", `include_prompt=` and `keep_identity=`: as for `GETFeatureExtractor.decode`.

    The result is the output of `decode`, which is a list with an entry for each row (for "epochs", for each set of
    epochs). For a list of recordings, the result is a list of such lists.

    Example:
        >>> from transformers import pipeline
        >>> generate = pipeline("eeg-generation", model="org/get-eeg", revision="v1")  # doctest: +SKIP
        >>> raw = generate(ch_names=["O1", "O2"], condition="eyes_closed", person=1, seconds=10)[0]  # doctest: +SKIP
    """

    def _sanitize_parameters(self, seed: int | None = None, **kwargs) -> tuple[dict, dict, dict]:
        kwargs.pop("local_files_only", None)  # pipeline() has used it already, but still passes it on
        description = {name: kwargs.pop(name) for name in (*DESCRIPTION, "next_condition") if name in kwargs}
        decoding = {name: kwargs.pop(name) for name in ("output", "include_prompt", "keep_identity") if name in kwargs}
        return description, kwargs | ({} if seed is None else {"seed": seed}), decoding

    def preprocess(self, recording: Any, **description) -> BatchFeature:
        """Prepares the model's inputs from the end of a recording, which is as long as the model can look back."""
        return super().preprocess(recording, **{"context_seconds": self.model.config.context_seconds} | description)

    def _forward(self, features: BatchFeature, seed: int | None = None, **options) -> dict[str, Any]:
        if seed is not None:
            options["generator"] = torch.Generator().manual_seed(seed)
        return {"generated": self.model.generate(**features, **options), "features": features}

    def _part(self, made: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
        features = copy(made["features"])
        draws = len(made["generated"]) // len(features.recordings)
        features.data = {name: value[start:stop] for name, value in features.items()}
        features.recordings = features.recordings[start:stop]
        return {"generated": made["generated"][start * draws : stop * draws], "features": features}

    def postprocess(self, made: dict[str, Any], **decoding) -> list[Any]:
        """Converts the innovation space to EEG."""
        return self.feature_extractor.decode(made["generated"], made["features"], **decoding)


class EEGClassificationPipeline(_EEGPipeline):
    """Pipeline that classifies recordings: `pipeline("eeg-classification", model=...)`.

    A recording is divided into windows that are as long as in training (`config.window_seconds`). All windows of a
    recording share one calibration. The probabilities of the windows are averaged.

    Arguments of a call:

    - `recording`: as for `EEGGenerationPipeline`. The epochs of an `mne.Epochs`, or the rows of an array `(batch,
      channels, times)`, belong to one session. To change this, pass `calibrate_on=`, see `GETFeatureExtractor`;
    - `top_k=`: number of classes to return. None: all;
    - `windows=True`: return a result for each window instead of the mean;
    - `window_seconds=`, `stride_seconds=`: another length of the windows, or another distance between their starts.

    The result for a recording is a list of `{"label": ..., "score": ...}`, with the most probable class first. For an
    array `(batch, channels, times)` or `mne.Epochs`, the result is a list of such lists. With `windows=True`, each
    recording has a list of such lists, one for each window. Each entry also has the `start` and the `end` of its
    window, in seconds from the first sample.

    Scores are probabilities. If several classes can be true together (`problem_type="multi_label_classification"`),
    each class has its own probability. For a regression, scores are the predicted values.
    """

    def _sanitize_parameters(self, top_k: int | None = None, windows: bool = False, **kwargs) -> tuple:
        description, lengths = _windowed(self.model.config, kwargs, "eeg-classification", "top_k, windows")
        return description, lengths, {"top_k": top_k, "windows": windows}

    def preprocess(self, recording: Any, **description) -> BatchFeature:
        """Prepares the model's inputs, and warns of a montage that the classifier does not know."""
        features = super().preprocess(recording, **description)
        positions = features["channel_positions"][features["channel_mask"].bool()]
        self.feature_extractor.check_montage(self.model.config.training_channels, positions.numpy())
        return features

    def _forward(self, features: BatchFeature, **lengths) -> dict[str, Any]:
        return {"scores": window_scores(self.model, features, **lengths)}

    def _part(self, made: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
        return {"scores": made["scores"][start:stop]}

    def postprocess(self, made: dict[str, Any], top_k: int | None = None, windows: bool = False) -> list[Any]:
        """Returns the classes with their scores, the highest score first."""
        labels = self.model.config.id2label
        rows: list[Any] = []
        for scores, spans in made["scores"]:
            if windows:
                times = [{"start": start, "end": end} for start, end in spans]
                rows.append([_ranked(row, labels, top_k, time) for row, time in zip(scores, times, strict=True)])
            else:
                rows.append(_ranked(scores.mean(0), labels, top_k))
        return rows[0] if len(rows) == 1 else rows


class EEGFeatureExtractionPipeline(_EEGPipeline):
    """Computes features of recordings for other methods: `pipeline("eeg-feature-extraction", model=...)`.

    The features are what a classifier's linear layer reads: states of the backbone, log powers and calibration
    features, pooled over channels by nine functions of electrode position, see `GETPooling`. Recordings with other
    channels have the same features. Every checkpoint of GET has them; load it with
    `AutoModelForSequenceClassification`, as `pipeline` does.

    Arguments of a call:

    - `recording` and `calibrate_on=`: as for `EEGClassificationPipeline`;
    - `windows=True`: features of each window instead of their mean;
    - `window_seconds=`, `stride_seconds=`: length and distance of windows, by default as in the model's configuration;
      without either, a recording is one window.

    The result for each recording is a float32 array `(n_features,)`, dimensionless; with `windows=True`, `(windows,
    n_features)`. For an array `(batch, channels, times)` or `mne.Epochs` it is a list of such arrays.
    """

    def __init__(self, model, feature_extractor=None, **kwargs):
        if not hasattr(model, "pooling"):
            raise ValueError(
                f"eeg-feature-extraction needs a GETForSequenceClassification, not a {type(model).__name__}: load the "
                "same checkpoint with AutoModelForSequenceClassification."
            )
        super().__init__(model, feature_extractor, **kwargs)

    def _sanitize_parameters(self, windows: bool = False, **kwargs) -> tuple:
        description, lengths = _windowed(self.model.config, kwargs, "eeg-feature-extraction", "windows")
        return description, lengths, {"windows": windows}

    def _forward(self, features: BatchFeature, **lengths) -> dict[str, Any]:
        return {"windows": over_windows(self.model, self.model.embed, features, **lengths)}

    def _part(self, made: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
        return {"windows": made["windows"][start:stop]}

    def postprocess(self, made: dict[str, Any], windows: bool = False) -> Any:
        """Features as NumPy arrays."""
        rows = [(values if windows else values.mean(0)).numpy() for values, _ in made["windows"]]
        return rows[0] if len(rows) == 1 else rows


def _windowed(config: Any, arguments: dict[str, Any], task: str, others: str) -> tuple[dict, dict]:
    """Divides the arguments of a task with windows into the description of a recording and the windows' lengths.

    Raises:
        ValueError: An argument does not exist, or a window is shorter than a patch.
    """
    arguments.pop("local_files_only", None)  # pipeline() has read it, and passes it on
    lengths = {}
    for name in ("window_seconds", "stride_seconds"):
        given = arguments.pop(name, None)
        seconds = lengths[name] = getattr(config, name) if given is None else given
        patch = config.patch_size / config.sampling_rate
        if seconds is not None and (not isinstance(seconds, (int, float)) or not seconds >= patch):
            raise ValueError(f"{name} must be at least one patch, {patch:g} s, not {seconds!r}.")
    known = (*DESCRIPTION, "calibrate_on")
    if unknown := sorted(set(arguments) - set(known)):
        raise ValueError(
            f"{task} has no argument {', '.join(unknown)}; it has {', '.join(known)}, {others}, window_seconds and "
            "stride_seconds."
        )
    return arguments, lengths


def _ranked(
    scores: torch.Tensor, labels: Mapping[int, str], top_k: int | None, time: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Returns the classes of one window or recording, the highest score first."""
    ranked = sorted(enumerate(scores.tolist()), key=lambda pair: -pair[1])[:top_k]
    return [{"label": labels[index], "score": score} | dict(time or {}) for index, score in ranked]


def window_scores(
    model: Any, features: BatchFeature, window_seconds: float | None, stride_seconds: float | None = None
) -> list[tuple[torch.Tensor, list[tuple[float, float]]]]:
    """Classifies the windows of recordings.

    Args:
        model: `GETForSequenceClassification`.
        features: See `over_windows`, also for the lengths.
        window_seconds: Length of a window.
        stride_seconds: Distance between the starts of windows.

    Returns:
        As `over_windows`, with scores `(windows, labels)`: probabilities, or the values of a regression.
    """
    logits = over_windows(model, lambda **inputs: model(**inputs).logits, features, window_seconds, stride_seconds)
    return [(_scores(of_windows, model.config.problem_type), spans) for of_windows, spans in logits]


@torch.no_grad()
def over_windows(
    model: Any,
    compute: Callable[..., torch.Tensor],
    features: BatchFeature,
    window_seconds: float | None,
    stride_seconds: float | None = None,
) -> list[tuple[torch.Tensor, list[tuple[float, float]]]]:
    """Computes something of each window of recordings.

    Args:
        model: The model that `compute` uses.
        compute: Takes inputs of the model, and returns `(windows, values)`.
        features: Features of the recordings, as the feature extractor returns them.
        window_seconds: Length of a window. None: each recording is one window.
        stride_seconds: Distance between the starts of windows. None: `window_seconds`. The last window ends at the end
            of the recording.

    Returns:
        For each recording, float32 values `(windows, values)` on the CPU, and the start and end of each window in
        seconds.
    """
    config = model.config
    seconds, size = config.patch_size / config.sampling_rate, config.patch_size
    found = []
    for row, mask in enumerate(features["attention_mask"]):
        n_own = int(mask.sum()) - 1  # without the start patch
        n_window = n_own if window_seconds is None else min(n_own, round(window_seconds / seconds))
        n_stride = n_window if stride_seconds is None else max(1, round(stride_seconds / seconds))
        starts = [*range(0, n_own - n_window, n_stride), n_own - n_window]
        own = features["input_values"][row, :, (len(mask) - n_own) * size :]
        cut = torch.stack([own[:, start * size : (start + n_window) * size] for start in starts])
        inputs = {name: features[name][row : row + 1] for name in ("channel_positions", "channel_mask", "calibration")}
        at_once = max(1, TOKENS_AT_ONCE // (len(own) * (n_window + 1)))
        computed = []
        for part in nn.functional.pad(cut, (size, 0)).split(at_once):
            repeated = {name: value.expand(len(part), *value.shape[1:]) for name, value in inputs.items()}
            computed.append(compute(input_values=part, **repeated).float())
        prompt = features.recordings[row]
        end = prompt.n_times / prompt.recording.sampling_rate
        firsts = [max(0.0, end - (n_own - start) * seconds) for start in starts]
        spans = [
            (first, end - (n_own - start - n_window) * seconds) for first, start in zip(firsts, starts, strict=True)
        ]
        found.append((torch.cat(computed).cpu(), spans))
    return found


def _scores(logits: torch.Tensor, problem_type: str | None) -> torch.Tensor:
    """Computes the scores of the classes, which have the same shape as the logits."""
    if problem_type == "multi_label_classification":
        return logits.sigmoid()
    return logits if problem_type == "regression" else logits.softmax(-1)


__all__ = ["EEGClassificationPipeline", "EEGFeatureExtractionPipeline", "EEGGenerationPipeline"]
