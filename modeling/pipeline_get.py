# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pipelines of transformers for GET: from a recording, as the feature extractor takes it, to EEG or to classes.

generate = pipeline("eeg-generation", model="org/get-eeg")
raw = generate("eyes_closed.edf", seconds=20, seed=0)[0]
"""

from collections.abc import Iterator, Mapping, Sequence, Sized
from copy import copy
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers.feature_extraction_utils import BatchFeature
from transformers.pipelines.base import Pipeline
from transformers.pipelines.pt_utils import PipelineDataset, PipelineIterator

#: Arguments of the feature extractor that describe a recording.
DESCRIPTION = ("sampling_rate", "ch_names", "unit", "condition", "annotation_conditions", "context_seconds", "person")
#: Arguments that a row of a dataset may hold to describe its `array`.
OF_A_ROW = ("sampling_rate", "ch_names", "unit")


class _EEGPipeline(Pipeline):
    """Base of both pipelines: checks that model and extractor belong together, and prepares recordings."""

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
            recording: Any input of `GETFeatureExtractor`; or a row of a dataset, a mapping with an `array` and its
                `sampling_rate` in Hz, `ch_names` and `unit`, if the arguments of the same names do not give them.
            kwargs: `batch_size`, the number of recordings that run together, whatever their channels and lengths;
                and the arguments that the class describes.

        Returns:
            The result that the class describes; for a list or a column, a list of results; for a dataset (also
            `KeyDataset`) or a generator, an iterator.
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
        """As in the base class, but the feature extractor pads batches, and an input may be several recordings."""
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
        """The part of the output of `_forward` for the recordings from `start` to `stop` of a batch."""
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
    """The array of a row, and its description; arguments give what the row does not hold.

    Raises:
        ValueError: There is no array, or row and argument contradict each other.
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
    """Continues recordings, or generates EEG without one: `pipeline("eeg-generation", model=...)`.

    Arguments of a call:

    - `recording`: a file that MNE reads, `mne.io.Raw`, `mne.Epochs`, an array `(channels, times)` or `(batch,
      channels, times)` with `sampling_rate=` in Hz, `ch_names=` and `unit=`, a row of a dataset that holds these,
      `{"array": ..., "sampling_rate": ..., "ch_names": ..., "unit": ...}`, or a list or a dataset of them; no
      recording, but `ch_names=`, to generate without a prompt;
    - `condition=`, the condition of the recording, `next_condition=`, the condition that follows, a name or a plan
      such as `[("eyes_open", 10), ("left_fist", 4)]` in seconds, and the other arguments of `GETFeatureExtractor`;
    - `seconds=`, `temperature=`, `num_return_sequences=` and the other options of `GETModel.generate`, and `seed=`
      for the same samples each time; `batch_size=`, how many recordings of a list or a dataset run together;
    - `output="raw"`, "epochs" or "array", `include_prompt=` and `keep_identity=`, as for `GETFeatureExtractor.decode`.

    It returns the output of `decode`, a list with an entry for each row (for "epochs", for each set of epochs). For a
    list of recordings it returns a list of such lists.

    Example:
        >>> from transformers import pipeline
        >>> generate = pipeline("eeg-generation", model="org/get-eeg", revision="v1")  # doctest: +SKIP
        >>> raw = generate(ch_names=["O1", "O2"], condition="eyes_closed", person=1, seconds=10)[0]  # doctest: +SKIP
    """

    def _sanitize_parameters(self, seed: int | None = None, **kwargs) -> tuple[dict, dict, dict]:
        kwargs.pop("local_files_only", None)  # pipeline() has read it, and passes it on
        description = {name: kwargs.pop(name) for name in (*DESCRIPTION, "next_condition") if name in kwargs}
        decoding = {name: kwargs.pop(name) for name in ("output", "include_prompt", "keep_identity") if name in kwargs}
        return description, kwargs | ({} if seed is None else {"seed": seed}), decoding

    def preprocess(self, recording: Any, **description) -> BatchFeature:
        """Prepares the model's inputs from a recording, as far back as the model can look."""
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
    """Classifies recordings: `pipeline("eeg-classification", model=...)`.

    The arguments of a call are a recording, as for `EEGGenerationPipeline`, and `top_k=`, how many classes to return.
    The result for each recording is a list of `{"label": ..., "score": ...}`, the most probable class first; for an
    array `(batch, channels, times)` or `mne.Epochs` it is a list of such lists.

    Scores are probabilities. If classes do not exclude each other (`problem_type="multi_label_classification"`), each
    class has its own probability. For a regression, scores are its values.
    """

    def _sanitize_parameters(self, top_k: int | None = None, **kwargs) -> tuple[dict, dict, dict]:
        kwargs.pop("local_files_only", None)
        if unknown := sorted(set(kwargs) - set(DESCRIPTION)):
            raise ValueError(
                f"eeg-classification has no argument {', '.join(unknown)}; it has {', '.join(DESCRIPTION)} and top_k."
            )
        return kwargs, {}, {} if top_k is None else {"top_k": top_k}

    def _forward(self, features: BatchFeature) -> dict[str, Any]:
        return {"logits": self.model(**features).logits}

    def _part(self, made: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
        return {"logits": made["logits"][start:stop]}

    def postprocess(self, made: dict[str, Any], top_k: int | None = None) -> list[Any]:
        """Scores of the classes, the highest first."""
        config = self.model.config
        scores = made["logits"].float()
        if config.problem_type == "multi_label_classification":
            scores = scores.sigmoid()
        elif config.problem_type != "regression":
            scores = scores.softmax(-1)
        rows = []
        for row in scores:
            ranked = sorted(enumerate(row.tolist()), key=lambda pair: -pair[1])
            rows.append([{"label": config.id2label[index], "score": score} for index, score in ranked[:top_k]])
        return rows[0] if len(rows) == 1 else rows


__all__ = ["EEGClassificationPipeline", "EEGGenerationPipeline"]
