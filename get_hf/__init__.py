# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""GET-HF: a Generative EEG Transformer that continues an EEG recording, as a Hugging Face citizen.

Importing this package registers GET with the Auto classes of transformers, so that
`AutoModel.from_pretrained` and `AutoFeatureExtractor.from_pretrained` know it. It imports neither MNE nor
anything that only commands need.
"""

from importlib.metadata import version

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification

from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETForSequenceClassification, GETModel
from get_hf.pretrained import CHECKPOINT, load_pretrained
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.recordings import load_recording, save_recording

__version__ = version("get-hf")

AutoConfig.register(GETConfig.model_type, GETConfig)
AutoModel.register(GETConfig, GETModel)
AutoModelForSequenceClassification.register(GETConfig, GETForSequenceClassification)
AutoFeatureExtractor.register(GETConfig, GETFeatureExtractor)

__all__ = [
    "CHECKPOINT",
    "GETConfig",
    "GETFeatureExtractor",
    "GETForSequenceClassification",
    "GETModel",
    "__version__",
    "load_pretrained",
    "load_recording",
    "save_recording",
]
