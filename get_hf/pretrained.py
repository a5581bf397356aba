# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A model and its feature extractor from a folder, or from the Hub when a repository of it is named."""

import re
from pathlib import Path

from transformers import AutoConfig

from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETModel
from get_hf.processing.feature_extraction_get import GETFeatureExtractor

#: The checkpoint shipped inside this package.
CHECKPOINT = Path(__file__).parent / "checkpoint"


def load_pretrained(checkpoint: str | Path = CHECKPOINT) -> tuple[GETModel, GETFeatureExtractor]:
    """Loads what `save_pretrained` wrote, ready to generate.

    Args:
        checkpoint: A folder; or, where there is no such folder, the `owner/name` of a repository on the Hub.
            Only the latter uses the network.

    Returns:
        The model, in evaluation mode on the CPU, and its feature extractor.

    Raises:
        FileNotFoundError: When `checkpoint` is neither.
        ValueError: When what is there is not a complete checkpoint of GET.
    """
    is_folder = Path(checkpoint).is_dir()
    if not is_folder and not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", str(checkpoint)):
        raise FileNotFoundError(
            f"There is no checkpoint at {checkpoint}: give a folder that save_pretrained wrote, or the "
            "owner/name of a repository on the Hub."
        )
    try:
        config = AutoConfig.from_pretrained(checkpoint, local_files_only=is_folder)
        if not isinstance(config, GETConfig):
            raise ValueError(f"its model_type is {config.model_type!r}, not {GETConfig.model_type!r}.")
        model = GETModel.from_pretrained(checkpoint, local_files_only=is_folder)
        extractor = GETFeatureExtractor.from_pretrained(checkpoint, local_files_only=is_folder)
    except Exception as error:  # a damaged file fails in whichever library reads it
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"{checkpoint} cannot be loaded as a checkpoint of GET: {reason}") from error
    return model.eval(), extractor
