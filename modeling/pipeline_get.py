# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET as pipelines of transformers: from a recording, in any form the feature extractor takes, to EEG or to classes.

generate = pipeline("eeg-generation", model="org/get-eeg")
raw = generate("eyes_closed.edf", seconds=20, seed=0)[0]
"""

from typing import Any

import torch
from transformers.feature_extraction_utils import BatchFeature
from transformers.pipelines.base import Pipeline

#: Arguments of the feature extractor that say what a recording is.
DESCRIPTION = ("sampling_rate", "ch_names", "unit", "condition", "annotation_conditions", "context_seconds", "person")


class _EEGPipeline(Pipeline):
    """What both pipelines do: check that model and extractor belong together, and prepare recordings."""

    _load_feature_extractor = True
    _load_tokenizer = _load_processor = _load_image_processor = _load_video_processor = False

    def __init__(self, model, feature_extractor=None, **kwargs):
        if feature_extractor is None:
            raise ValueError("A pipeline of GET needs the model's feature extractor: pass feature_extractor=.")
        model.config.check_extractor(feature_extractor.to_dict())
        super().__init__(model, feature_extractor=feature_extractor, **kwargs)

    def __call__(self, recording: Any = None, **kwargs) -> list[Any]:
        """Runs the pipeline on a recording, or on each of a list of them."""
        if (kwargs.get("batch_size") or self._batch_size or 1) != 1:
            raise ValueError(
                "batch_size is for inputs of one shape: give recordings of the same channels and length as one array "
                "(batch, channels, times), or as mne.Epochs, and they run together."
            )
        return super().__call__(recording, **kwargs)

    def preprocess(self, recording: Any, **description) -> BatchFeature:
        """What the model reads of a recording, as far back as it can."""
        description.setdefault("context_seconds", self.model.config.context_seconds)
        return self.feature_extractor(recording, **description)

    def _ensure_tensor_on_device(self, inputs: Any, device: torch.device) -> Any:
        # of features the base class would make a bare dictionary, which no decode() can read
        is_features = isinstance(inputs, BatchFeature)
        return inputs.to(device) if is_features else super()._ensure_tensor_on_device(inputs, device)


class EEGGenerationPipeline(_EEGPipeline):
    """Continues recordings, or makes EEG from nothing: `pipeline("eeg-generation", model=...)`.

    Called with

    - `recording`: a file that MNE reads, `mne.io.Raw`, `mne.Epochs`, an array `(channels, times)` or `(batch,
      channels, times)` with `sampling_rate=` in Hz, `ch_names=` and `unit=`, or a list of these; none, with
      `ch_names=`, to generate from nothing;
    - `condition=`, what the recording was in, `next_condition=`, what comes next, a name or a plan such as
      `[("eyes_open", 10), ("left_fist", 4)]` in seconds, and the other arguments of `GETFeatureExtractor`;
    - `seconds=`, `temperature=`, `num_return_sequences=` and the other options of `GETModel.generate`, and `seed=`
      for the same samples each time;
    - `output="raw"`, "epochs" or "array", `include_prompt=` and `keep_identity=`, as `GETFeatureExtractor.decode`.

    It returns what `decode` does, a list with an entry per row (for "epochs", per set of them); of a list of
    recordings, a list of such lists.

    Example:
        >>> from transformers import pipeline
        >>> generate = pipeline("eeg-generation", model="org/get-eeg", revision="v1")  # doctest: +SKIP
        >>> raw = generate(ch_names=["O1", "O2"], condition="eyes_closed", person=1, seconds=10)[0]  # doctest: +SKIP
    """

    def _sanitize_parameters(self, seed: int | None = None, **kwargs) -> tuple[dict, dict, dict]:
        kwargs.pop("local_files_only", None)  # pipeline() has read it, and hands it on
        description = {name: kwargs.pop(name) for name in (*DESCRIPTION, "next_condition") if name in kwargs}
        decoding = {name: kwargs.pop(name) for name in ("output", "include_prompt", "keep_identity") if name in kwargs}
        return description, kwargs | ({} if seed is None else {"seed": seed}), decoding

    def _forward(self, features: BatchFeature, seed: int | None = None, **options) -> dict[str, Any]:
        if seed is not None:
            options["generator"] = torch.Generator().manual_seed(seed)
        return {"generated": self.model.generate(**features, **options), "features": features}

    def postprocess(self, made: dict[str, Any], **decoding) -> list[Any]:
        """From the innovation space to EEG."""
        return self.feature_extractor.decode(made["generated"], made["features"], **decoding)


class EEGClassificationPipeline(_EEGPipeline):
    """Tells the class of recordings: `pipeline("eeg-classification", model=...)`.

    Called with a recording as `EEGGenerationPipeline` is, and `top_k=`, how many classes to return. Returns for each
    recording a list of `{"label": ..., "score": ...}`, the most probable class first; for an array `(batch, channels,
    times)` or `mne.Epochs` a list of such lists.

    Scores are probabilities; where classes do not exclude each other (`problem_type="multi_label_classification"`)
    each has its own; of a regression they are its values.
    """

    def _sanitize_parameters(self, top_k: int | None = None, **kwargs) -> tuple[dict, dict, dict]:
        kwargs.pop("local_files_only", None)
        if unknown := sorted(set(kwargs) - set(DESCRIPTION)):
            raise ValueError(
                f"eeg-classification has no argument {', '.join(unknown)}; it has {', '.join(DESCRIPTION)} and top_k."
            )
        return kwargs, {}, {} if top_k is None else {"top_k": top_k}

    def preprocess(self, recording: Any, **description) -> BatchFeature:
        """What the model reads of a recording: all of it, unless `context_seconds` says otherwise."""
        return self.feature_extractor(recording, **description)

    def _forward(self, features: BatchFeature) -> dict[str, Any]:
        return {"logits": self.model(**features).logits}

    def postprocess(self, made: dict[str, Any], top_k: int | None = None) -> list[Any]:
        """Scores by class, the highest first."""
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
