# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Converts checkpoints of an older format to the format of this version.

In format 5, the fitted parameters of the feature extractor are stored as lists in `preprocessor_config.json`. Since
format 6 they are stored in `population.safetensors`. In formats 5 and 6, the features of a classifier are the mean
state of all channels. In format 7, this is called `classifier_pooling: "mean"`, and the other choice is to pool by
electrode position.
"""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from transformers.utils import CONFIG_NAME, FEATURE_EXTRACTOR_NAME

from get_hf.modeling.checkpoint_get import read_object
from get_hf.modeling.configuration_get import FORMAT_VERSION
from get_hf.processing.blinks_get import BlinkPopulation
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from get_hf.processing.files import folder_beside
from get_hf.processing.population_get import unpack
from get_hf.processing.state_get import STATE, Corrections, Population

#: The formats that can be converted.
OLDER = (5, 6)
_TABLES = ("generated_log_gains", "unprompted_log_gains", "trait_log_gains", "cue_log_gains")
_POPULATION = ("autocorrelation", "innovation_scale", "channel_variance", "harmonic_covariance")


def convert(checkpoint: str | Path, out: str | Path) -> Path:
    """Converts a checkpoint of format 5 or 6 to the present format.

    The checkpoint may be a generator, a classifier, or an adapter with a feature extractor in the same folder. Only
    the configurations and the parameters of the feature extractor are converted. Weights and all other files are
    copied unchanged. Code in the folder is not copied, because it belongs to the older version. `get-hf push` adds the
    present code.

    Args:
        checkpoint: Folder of the checkpoint.
        out: New folder for the result.

    Returns:
        `out`.

    Raises:
        FileNotFoundError: The folder does not exist, or it holds neither a model nor a feature extractor.
        FileExistsError: `out` already exists.
        ValueError: The checkpoint has another format, or is damaged.
    """
    checkpoint, out = Path(checkpoint), Path(out)
    if not checkpoint.is_dir():
        raise FileNotFoundError(f"There is no folder {checkpoint}.")
    if out.exists():
        raise FileExistsError(f"{out} is there already: choose another place.")
    config, settings = checkpoint / CONFIG_NAME, checkpoint / FEATURE_EXTRACTOR_NAME
    if not config.is_file() and not settings.is_file():
        raise FileNotFoundError(f"{checkpoint} holds neither {CONFIG_NAME} nor {FEATURE_EXTRACTOR_NAME}.")
    with folder_beside(out) as temporary:
        staged = temporary / out.name
        shutil.copytree(checkpoint, staged, ignore=shutil.ignore_patterns("*_get.py", "__pycache__"))
        if config.is_file():
            content = read_object(config)
            if content.get("format_version") not in OLDER:
                version, known = content.get("format_version"), " and ".join(map(str, OLDER))
                raise ValueError(f"{checkpoint} is of format {version}, and only formats {known} are converted.")
            content |= {"format_version": FORMAT_VERSION, "classifier_pooling": "mean"}
            if "GETForSequenceClassification" not in (content.get("architectures") or ()):
                del content["classifier_pooling"]
            _write(staged / CONFIG_NAME, content)
        if settings.is_file():
            content = read_object(settings)
            is_new = content.get("population") == STATE  # since format 6
            extractor = GETFeatureExtractor.from_pretrained(checkpoint) if is_new else _feature_extractor(content)
            extractor.save_pretrained(staged)
            _write(staged / FEATURE_EXTRACTOR_NAME, read_object(staged / FEATURE_EXTRACTOR_NAME))
            for code in staged.glob("*_get.py"):
                code.unlink()
        staged.rename(out)
    return out


def _feature_extractor(settings: dict[str, Any]) -> GETFeatureExtractor:
    """Creates a feature extractor from the settings in a file of format 5."""
    missing = [name for name in _POPULATION if name not in settings]
    if missing:
        raise ValueError(f"{FEATURE_EXTRACTOR_NAME} has no {missing[0]}: it is of no format that is known.")
    # format 5 also changed strong slow waves to be Gaussian; no test could detect this effect
    left_out = ("feature_extractor_type", "slow_quantiles")
    settings = {name: value for name, value in settings.items() if name not in left_out}
    size = int(settings["patch_size"])
    fitted = {name: settings.pop(name) for name in _POPULATION}
    blinks, shifts = settings.pop("blinks", None), settings.pop("unprompted_coherence_shifts", None)
    tables = {name: _arrays(settings.pop(name, None) or {}) for name in _TABLES}
    packed = np.frombuffer(base64.b64decode(fitted["harmonic_covariance"]), "<f4").reshape(size, -1)
    population = Population(
        np.array(fitted["autocorrelation"]),
        float(fitted["innovation_scale"]),
        np.array(fitted["channel_variance"]),
        unpack(packed),
        None if blinks is None else BlinkPopulation(**_arrays(blinks)),
    )
    corrections = Corrections(**tables, unprompted_coherence_shifts=None if shifts is None else np.array(shifts))
    return GETFeatureExtractor(population=population, corrections=corrections, **settings)


def _arrays(lists: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(values) for name, values in lists.items()}


def _write(path: Path, content: dict[str, Any]) -> None:
    """Writes settings to a file, without the entries that refer to code in the same folder."""
    content = {name: value for name, value in content.items() if name not in ("auto_map", "custom_pipelines")}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
