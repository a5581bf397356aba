# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET-HF: a Generative EEG Transformer that continues an EEG recording, integrated with Hugging Face.

This package registers GET with the Auto classes and the pipelines of transformers, so that
`AutoModel.from_pretrained`, `AutoFeatureExtractor.from_pretrained` and `pipeline("eeg-generation")` know it. Saved
models include their code, for users who only have transformers. The import loads neither MNE nor modules that only
commands need.
"""

import get_hf.starting  # noqa: F401  before the slow imports, in which Ctrl-C would be a traceback

# isort: split
from importlib.metadata import version

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification
from transformers.pipelines import PIPELINE_REGISTRY

from get_hf.data_collator import GETDataCollator
from get_hf.imputation import impute
from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.modeling.pretrained_get import PIPELINES
from get_hf.pretrained import CHECKPOINT, load_pretrained
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.loading import load_recording
from get_hf.recordings import save_recording

__version__ = version("get-hf")

AutoConfig.register(GETConfig.model_type, GETConfig)
AutoModel.register(GETConfig, GETModel)
AutoModelForSequenceClassification.register(GETConfig, GETForSequenceClassification)
AutoFeatureExtractor.register(GETConfig, GETFeatureExtractor)
GETConfig.register_for_auto_class()
GETFeatureExtractor.register_for_auto_class()
for _auto_class, _model_class in (
    (AutoModel, GETModel),
    (AutoModelForSequenceClassification, GETForSequenceClassification),
):
    _model_class.register_for_auto_class(_auto_class.__name__)
    _task, _pipeline_class = PIPELINES[_auto_class.__name__]
    # without model=, the shipped checkpoint generates: a folder, which has no revision
    _default = {"model": (str(CHECKPOINT), None)} if _auto_class is AutoModel else None
    PIPELINE_REGISTRY.register_pipeline(_task, _pipeline_class, pt_model=_auto_class, default=_default, type="time")

__all__ = [
    "CHECKPOINT",
    "GETConfig",
    "GETDataCollator",
    "GETFeatureExtractor",
    "GETForSequenceClassification",
    "GETModel",
    "__version__",
    "impute",
    "load_pretrained",
    "load_recording",
    "save_recording",
]
