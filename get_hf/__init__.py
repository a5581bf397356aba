# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET-HF: a Generative EEG Transformer that continues an EEG recording, integrated with Hugging Face.

This package registers GET with the Auto classes and the pipelines of transformers, so that
`AutoModel.from_pretrained`, `AutoFeatureExtractor.from_pretrained` and `pipeline("eeg-generation")` work with it.
Saved models include their code, for users who only have transformers. Importing this package does not load MNE, and
does not load modules that only commands need.
"""

import get_hf.starting  # noqa: F401  before the slow imports, in which Ctrl-C would print a traceback

# isort: split
from importlib import import_module
from importlib.metadata import version

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification
from transformers.pipelines import PIPELINE_REGISTRY

from get_hf.augmentation import augment
from get_hf.classification import Classification, classify
from get_hf.data_collator import GETDataCollator
from get_hf.export import export_step
from get_hf.imputation import impute
from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.modeling.pretrained_get import FEATURES, PIPELINES
from get_hf.pretrained import CHECKPOINT, CLASSIFIERS, load_classifier, load_pretrained
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.loading import load_recording
from get_hf.processing.streaming_get import GETStream
from get_hf.recordings import save_recording
from get_hf.streaming import GETStreamClassifier

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
    # without model=, the shipped model is used, which is a folder and has no revision
    _shipped = CHECKPOINT if _auto_class is AutoModel else CLASSIFIERS / "fists"
    _default = {"model": (str(_shipped), None)}
    PIPELINE_REGISTRY.register_pipeline(_task, _pipeline_class, pt_model=_auto_class, default=_default, type="time")
PIPELINE_REGISTRY.register_pipeline(
    *FEATURES,
    pt_model=AutoModelForSequenceClassification,
    default={"model": (str(CHECKPOINT), None)},
    type="time",
)

#: Modules of public names that are imported when they are first used, because they need scikit-learn or MNE.
_LATER = {
    "GETClassifier": "get_hf.estimators",
    "GETEmbedder": "get_hf.estimators",
    "GETModule": "get_hf.module",
}


def __getattr__(name: str):
    """Imports what `_LATER` names."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_LATER[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sklearn":
            raise
        raise ImportError(f'{name} needs scikit-learn: pip install "get-hf[estimators]".') from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "CHECKPOINT",
    "Classification",
    "GETClassifier",
    "GETConfig",
    "GETDataCollator",
    "GETEmbedder",
    "GETFeatureExtractor",
    "GETForSequenceClassification",
    "GETModel",
    "GETModule",
    "GETStream",
    "GETStreamClassifier",
    "__version__",
    "augment",
    "classify",
    "export_step",
    "impute",
    "load_classifier",
    "load_pretrained",
    "load_recording",
    "save_recording",
]
