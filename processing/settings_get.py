# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The settings in `preprocessor_config.json`: how they are saved and read, and checks of their values."""

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

#: Keys that transformers writes there.
UNDECLARED = ("auto_map", "feature_extractor_type", "processor_class")
#: The list of a checkpoint's files beside the weights; the model's code describes it.
FILES = "checkpoint_files.json"
#: Largest number of entries in a list of free length: more would take too much time and memory.
MOST_ENTRIES = 10_000
#: Attributes with fitted numbers, and attributes computed from others.
FITTED, CACHES = ("population", "corrections"), ("transform",)
#: Arguments of `cached_file` that say where a checkpoint is.
PLACE = ("cache_dir", "force_download", "proxies", "token", "local_files_only", "revision", "subfolder")


class SavedFeatureExtractor(FeatureExtractionMixin):
    """Saves and loads a feature extractor as settings, which a person may edit, and fitted numbers."""

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
        """The same feature extractor with other arguments of its constructor."""
        own = {name: value for name, value in vars(self).items() if name not in CACHES and name[0] != "_"}
        return type(self)(**own | changes)

    def to_dict(self) -> dict[str, Any]:
        """The settings in `preprocessor_config.json`; the name of the file stands for the fitted numbers."""
        settings = {name: value for name, value in vars(self).items() if name not in (*CACHES, *FITTED)}
        return copy.deepcopy(settings) | {"feature_extractor_type": type(self).__name__, "population": STATE}

    def save_pretrained(self, save_directory: str | os.PathLike, *args, **kwargs) -> list[str]:
        """Saves like any feature extractor of transformers, and saves the fitted numbers beside it."""
        folder = Path(save_directory)
        if not folder.is_file():  # transformers has its own error for a file
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
        """Reads the settings, and the fitted numbers from the file that they name.

        Raises:
            ValueError: The file is missing, or is not the one in the checkpoint's list.
        """
        place = {name: kwargs[name] for name in PLACE if name in kwargs}
        settings, others = super().get_feature_extractor_dict(pretrained_model_name_or_path, **kwargs)
        if isinstance(settings, dict) and settings.get("population") == STATE:
            file = _find_state(pretrained_model_name_or_path, place)
            settings["population"], settings["corrections"] = load_state(file)
        return settings, others

    @classmethod
    def from_dict(cls, feature_extractor_dict: dict[str, Any], **kwargs) -> Any:
        """Makes a feature extractor from settings.

        Raises:
            ValueError: The settings are no mapping of names to values.
        """
        if not isinstance(feature_extractor_dict, Mapping):
            kind = type(feature_extractor_dict).__name__
            raise ValueError(f"{FEATURE_EXTRACTOR_NAME} holds a {kind} where names and values belong: fetch it again.")
        return super().from_dict(feature_extractor_dict, **kwargs)


def _find_state(checkpoint: str | os.PathLike, place: dict[str, Any]) -> str:
    """The file of fitted numbers, checked against its hash in the checkpoint's list if there is one."""
    if os.path.isfile(checkpoint):  # the file of settings itself
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
    """Adds the feature extractor's files to the checkpoint's list; JSON has no hash, as a person may edit it."""
    path = folder / FILES
    try:
        listed = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):  # none yet, or a damaged one
        listed = {}
    listed["feature_extractor"] = {FEATURE_EXTRACTOR_NAME: None, STATE: digest(folder / STATE)}
    path.write_text(json.dumps(listed, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def check_state(extractor: Any) -> None:
    """Refuses fitted numbers that do not fit the settings.

    Raises:
        ValueError: Numbers do not fit; the message names them.
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
    """Returns a setting as a number; text that looks like a number is refused.

    Raises:
        ValueError: It is no number, or not positive.
    """
    if isinstance(value, (bool, str)) or not np.isscalar(value) or not 0 < value < np.inf:  # type: ignore[operator]
        raise ValueError(f"{name} of the feature extractor must be a positive number, not {value!r}.")
    return float(value)


def whole(name: str, value: Any, largest: int) -> int:
    """Returns a whole number up to `largest`, which bounds the memory of tables; see `number`."""
    if not number(name, value) <= largest or value != int(value):
        raise ValueError(
            f"{name} of the feature extractor must be a whole number up to {largest}, not {value!r}: it is the "
            "size of tables in memory."
        )
    return int(value)


def numbers(name: str, values: Any, n: int) -> list[float]:
    """Returns a list of `n` finite numbers; see `number`."""
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
    """Returns a list of different names: any number of names from `among`, or at least one where it is None."""
    is_list = isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values)
    if not is_list or (among is None and not values) or len(values) > MOST_ENTRIES or len(set(values)) != len(values):
        raise ValueError(f"{name} of the feature extractor must be a list of different names, not {values!r:.200}.")
    if among is not None and not set(values) <= set(among):
        raise ValueError(f"{name} of the feature extractor must be some of {', '.join(among)}, not {values!r:.200}.")
    return list(values)
