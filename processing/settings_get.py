# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Saves, reads and checks the settings in `preprocessor_config.json`."""

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from transformers.feature_extraction_utils import FeatureExtractionMixin
from transformers.utils import FEATURE_EXTRACTOR_NAME, cached_file

from .state_get import STATE, Corrections, Population, digest, load_state, save_state

#: Keys that transformers adds to this file.
UNDECLARED = ("auto_map", "feature_extractor_type", "processor_class")
#: Name of the file with the list of a checkpoint's files besides the weights; the model's code describes its format.
FILES = "checkpoint_files.json"
#: Largest number of entries in a list of any length. More entries would need too much time and memory.
MOST_ENTRIES = 10_000
#: Attributes with fitted parameters, and attributes that are computed from other attributes.
FITTED, CACHES = ("population", "corrections"), ("transform",)
#: Arguments of `cached_file` that determine where a checkpoint is.
PLACE = ("cache_dir", "force_download", "proxies", "token", "local_files_only", "revision", "subfolder")


class SavedFeatureExtractor(FeatureExtractionMixin):
    """The base class of a feature extractor that saves and loads its settings and its fitted parameters.

    The settings are in a JSON file, which users may edit. The fitted parameters are in another file.
    """

    def __init__(self, **kwargs):
        unknown = sorted(name for name in kwargs if name not in UNDECLARED and not name.startswith("_"))
        if unknown:
            raise ValueError(
                f"GETFeatureExtractor has no {', '.join(unknown)}: its file was written by another version of "
                "GET-HF, or is for something else; load model and feature extractor from one checkpoint, or update "
                "GET-HF."
            )
        super().__init__(**kwargs)

    def but(self, **changes: Any) -> "SavedFeatureExtractor":
        """Returns a copy of this feature extractor in which some arguments of the constructor are changed."""
        own = {name: value for name, value in vars(self).items() if name not in CACHES and name[0] != "_"}
        return type(self)(**own | changes)

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings for `preprocessor_config.json`, with a file name in place of the fitted parameters."""
        settings = {name: value for name, value in vars(self).items() if name not in (*CACHES, *FITTED)}
        return copy.deepcopy(settings) | {"feature_extractor_type": type(self).__name__, "population": STATE}

    def save_pretrained(self, save_directory: str | os.PathLike, *args, **kwargs) -> list[str]:
        """Saves the settings as other feature extractors do, and the fitted parameters in the same folder."""
        folder = Path(save_directory)
        if not folder.is_file():  # transformers raises its own error if the folder is a file
            folder.mkdir(parents=True, exist_ok=True)
            save_state(self.population, self.corrections, folder)
        written = super().save_pretrained(save_directory, *args, **kwargs)
        _list_files(folder)
        return [*written, str(folder / STATE)]

    def _upload_modified_files(self, working_dir, *args, **kwargs):
        # called by save_pretrained(push_to_hub=True) before it returns
        _list_files(Path(working_dir))
        return super()._upload_modified_files(working_dir, *args, **kwargs)

    @classmethod
    def get_feature_extractor_dict(
        cls, pretrained_model_name_or_path: str | os.PathLike, **kwargs
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Reads the settings, and the fitted parameters from the file whose name is in the settings.

        Raises:
            ValueError: The file of fitted parameters is missing, or differs from the file in the checkpoint's list.
        """
        place = {name: kwargs[name] for name in PLACE if name in kwargs}
        settings, others = super().get_feature_extractor_dict(pretrained_model_name_or_path, **kwargs)
        if isinstance(settings, dict) and settings.get("population") == STATE:
            file = _find_state(pretrained_model_name_or_path, place)
            settings["population"], settings["corrections"] = load_state(file)
        return settings, others

    @classmethod
    def from_dict(cls, feature_extractor_dict: dict[str, Any], **kwargs) -> Any:
        """Creates a feature extractor from settings.

        Raises:
            ValueError: The settings are not a mapping from names to values.
        """
        if not isinstance(feature_extractor_dict, Mapping):
            kind = type(feature_extractor_dict).__name__
            raise ValueError(f"{FEATURE_EXTRACTOR_NAME} holds a {kind} where names and values belong: fetch it again.")
        return super().from_dict(feature_extractor_dict, **kwargs)


def _find_state(checkpoint: str | os.PathLike, place: dict[str, Any]) -> str:
    """Finds the file of fitted parameters, and compares its hash with the checkpoint's list if there is a list."""
    if os.path.isfile(checkpoint):  # the path is the file of settings, not the folder
        checkpoint = os.path.dirname(checkpoint)
    missing = {"_raise_exceptions_for_missing_entries": False}
    file = cached_file(checkpoint, STATE, **missing, **place)
    if file is None:
        raise ValueError(
            f"{checkpoint} lacks {STATE}, which its {FEATURE_EXTRACTOR_NAME} names: fetch or copy it all."
        )
    listed = cached_file(checkpoint, FILES, _raise_exceptions_for_connection_errors=False, **missing, **place)
    if listed is None:
        return file
    try:
        known = json.loads(Path(listed).read_text(encoding="utf-8")).get("feature_extractor", {}).get(STATE)
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{FILES} of {checkpoint} is not a list of files: fetch it again, or remove it.") from error
    if known is not None and known != digest(file):
        raise ValueError(
            f"{STATE} of {checkpoint} is not the file that its {FILES} names: it is damaged or of another checkpoint; "
            f"fetch it again, or remove {FILES} where you changed it yourself."
        )
    return file


def _list_files(folder: Path) -> None:
    """Adds the files of the feature extractor to the checkpoint's list.

    The list contains no hash of the JSON file, because users may edit it.
    """
    path = folder / FILES
    try:
        listed = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):  # there is no list yet, or it is damaged
        listed = {}
    listed["feature_extractor"] = {FEATURE_EXTRACTOR_NAME: None, STATE: digest(folder / STATE)}
    path.write_text(json.dumps(listed, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def check_state(extractor: Any) -> None:
    """Checks that the fitted parameters are consistent with the settings.

    Raises:
        ValueError: A parameter is not consistent. The message contains its name.
    """
    if not isinstance(extractor.population, Population) or not isinstance(extractor.corrections, Corrections):
        raise ValueError(
            f"population and corrections are a {type(extractor.population).__name__} and a "
            f"{type(extractor.corrections).__name__}, not a Population and Corrections: load them with "
            "from_pretrained, or take them from another feature extractor."
        )
    extractor.population.check(extractor.patch_size, len(extractor.conditions))
    extractor.corrections.check(extractor.patch_size, extractor.conditions)


def number(name: str, value: Any) -> float:
    """Returns a setting as a positive number. A string is refused, even if it looks like a number.

    Raises:
        ValueError: The setting is not a number, or not positive.
    """
    if isinstance(value, (bool, str)) or not np.isscalar(value) or not 0 < value < np.inf:  # type: ignore[operator]
        raise ValueError(f"{name} of the feature extractor must be a positive number, not {value!r}.")
    return float(value)


def whole(name: str, value: Any, largest: int) -> int:
    """Returns a setting as an integer up to `largest`, which limits the memory of tables; see `number`."""
    if not number(name, value) <= largest or value != int(value):
        raise ValueError(
            f"{name} of the feature extractor must be a whole number up to {largest}, not {value!r}: it is the "
            "size of tables in memory."
        )
    return int(value)


def numbers(name: str, values: Any, n: int) -> list[float]:
    """Returns a setting as a list of `n` finite numbers; see `number`."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.array("")
    if array.ndim != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"{name} of the feature extractor must be a list of numbers, not {values!r:.200}.")
    if len(array) != n:
        raise ValueError(f"{name} of the feature extractor must be {n} numbers, not {len(array)}.")
    return array.astype(float).tolist()


def names(name: str, values: Any, among: list[str] | None = None) -> list[str]:
    """Returns a setting as a list of different names.

    If `among` is given, the names must be in this list, and the setting may be empty. If `among` is None, there must
    be at least one name.
    """
    is_list = isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values)
    if not is_list or (among is None and not values) or len(values) > MOST_ENTRIES or len(set(values)) != len(values):
        raise ValueError(f"{name} of the feature extractor must be a list of different names, not {values!r:.200}.")
    if among is not None and not set(values) <= set(among):
        raise ValueError(f"{name} of the feature extractor must be some of {', '.join(among)}, not {values!r:.200}.")
    return list(values)
