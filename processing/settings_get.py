# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What `preprocessor_config.json` may hold: anything else is refused, by name, before it spoils a signal."""

import base64
import binascii
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from transformers.feature_extraction_utils import FeatureExtractionMixin
from transformers.utils import FEATURE_EXTRACTOR_NAME

#: Keys that transformers writes there.
UNDECLARED = ("auto_map", "feature_extractor_type", "processor_class")
#: The list of a checkpoint's files, which lies beside the weights; the model's code says more.
FILES = "checkpoint_files.json"
#: Entries that a list of any length may have, such as an autocorrelation: more would take all time and memory.
MOST_ENTRIES = 10_000


class SavedFeatureExtractor(FeatureExtractionMixin):
    """What is written of a feature extractor, and read again; it takes no settings but those of its subclass."""

    def __init__(self, **kwargs):
        refuse_unknown(kwargs)
        super().__init__(**kwargs)

    def save_pretrained(self, save_directory: str | os.PathLike, *args, **kwargs) -> list[str]:
        """Saves as any feature extractor of transformers does, and enters its file in the checkpoint's list."""
        written = super().save_pretrained(save_directory, *args, **kwargs)
        _list_file(Path(save_directory))
        return written

    def _upload_modified_files(self, working_dir, *args, **kwargs):
        # called by save_pretrained(push_to_hub=True) before it returns
        _list_file(Path(working_dir))
        return super()._upload_modified_files(working_dir, *args, **kwargs)

    @classmethod
    def from_dict(cls, feature_extractor_dict: dict[str, Any], **kwargs) -> Any:
        """Reads what `to_dict` gave.

        Raises:
            ValueError: It is something else.
        """
        if not isinstance(feature_extractor_dict, Mapping):
            kind = type(feature_extractor_dict).__name__
            raise ValueError(f"{FEATURE_EXTRACTOR_NAME} holds a {kind} where names and values belong: fetch it again.")
        return super().from_dict(feature_extractor_dict, **kwargs)

    def to_json_string(self) -> str:
        """What `preprocessor_config.json` holds."""
        return rows_in_lines(super().to_json_string())


def _list_file(folder: Path) -> None:
    """Enters the feature extractor's file; it is JSON, which a person may edit, and has no hash."""
    path = folder / FILES
    try:
        listed = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):  # none yet, or a damaged one
        listed = {}
    listed["feature_extractor"] = {FEATURE_EXTRACTOR_NAME: None}
    path.write_text(json.dumps(listed, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def refuse_unknown(settings: Iterable[str]) -> None:
    """Refuses settings that the feature extractor does not have, such as those of an older form of the file.

    Raises:
        ValueError: There are any.
    """
    unknown = sorted(name for name in settings if name not in UNDECLARED and not name.startswith("_"))
    if unknown:
        raise ValueError(
            f"GETFeatureExtractor has no {', '.join(unknown)}: its file is of another version of GET-HF, or of "
            "something else; take model and feature extractor from one checkpoint, and a GET-HF as new as that."
        )


def rows_in_lines(text: str) -> str:
    """Indented JSON with each list of numbers in one line: a table of them looks like one."""
    return re.sub(r"\[\n[\s\d.eE+,-]+\]", lambda found: f"[{' '.join(found[0][1:-1].split())}]", text)


def number(name: str, value: Any) -> float:
    """A number as `preprocessor_config.json` should hold it; text that looks like one is none.

    Raises:
        ValueError: Anything else, or one that is not positive.
    """
    if isinstance(value, (bool, str)) or not np.isscalar(value) or not 0 < value < np.inf:  # type: ignore[operator]
        raise ValueError(f"{name} of the feature extractor must be a positive number, not {value!r}.")
    return float(value)


def whole(name: str, value: Any, largest: int) -> int:
    """A whole number up to `largest`, which bounds the memory that tables take; see `number`."""
    if not number(name, value) <= largest or value != int(value):
        raise ValueError(
            f"{name} of the feature extractor must be a whole number up to {largest}, not {value!r}: tables of that "
            "size are made of it."
        )
    return int(value)


def packed(name: str, text: Any, n: int) -> str:
    """Text that holds `n` numbers as little-endian float32 in base64; see `number`."""
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    except (binascii.Error, TypeError, ValueError):
        values = np.zeros(0)
    if not isinstance(text, str) or len(values) != n or not np.isfinite(values).all():
        raise ValueError(f"{name} of the feature extractor must be {n} finite numbers as float32 in base64.")
    return text


def numbers(name: str, values: Any, n: int | None = None) -> list[float]:
    """A list of finite numbers, `n` of them if given; see `number`."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.array("")
    if array.ndim != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"{name} of the feature extractor must be a list of numbers, not {values!r:.200}.")
    if n is None and not 1 <= len(array) <= MOST_ENTRIES:
        raise ValueError(f"{name} of the feature extractor must be 1 to {MOST_ENTRIES} numbers, not {len(array)}.")
    if n is not None and len(array) != n:
        raise ValueError(f"{name} of the feature extractor must be {n} numbers, not {len(array)}.")
    return array.astype(float).tolist()


def table(name: str, values: Any, like: np.ndarray) -> list:
    """Rows of numbers, or tables of rows, as many as in the default `like`, which None stands for; see `number`."""
    return like.tolist() if values is None else _nested(name, values, like.shape)


def _nested(name: str, values: Any, shape: tuple[int, ...]) -> list:
    if len(shape) == 1:
        return numbers(name, values, *shape)
    if not isinstance(values, (list, tuple, np.ndarray)) or len(values) != shape[0]:
        lists = " of ".join(f"{n} lists" for n in shape[:-1])
        raise ValueError(f"{name} of the feature extractor must be {lists} of numbers.")
    return [_nested(name, part, shape[1:]) for part in values]


def tables(name: str, values: Any, keys: list[str], like: np.ndarray) -> dict[str, list]:
    """Tables by key, each as `table` takes them, that of the first of `keys` being required; None: it alone."""
    if values is None:
        return {keys[0]: like.tolist()}
    if not isinstance(values, Mapping) or keys[0] not in values or not set(values) <= set(keys):
        raise ValueError(
            f"{name} of the feature extractor must be tables by condition, one for {keys[0]!r} and any of "
            f"{', '.join(keys[1:])}: leave it out, and measure it by get-hf calibrate."
        )
    return {key: table(f"{name} for {key}", values[key], like) for key in values}


def numbers_by_key(name: str, values: Any, keys: list[str], n: int) -> dict[str, list[float]]:
    """Lists of `n` numbers for any of `keys`, see `numbers`; None: for none."""
    if values is None:
        return {}
    if not isinstance(values, Mapping) or not set(values) <= set(keys):
        raise ValueError(
            f"{name} of the feature extractor must be lists of {n} numbers for any of {', '.join(keys)}, not "
            f"{values!r}: leave it out, and measure it by get-hf calibrate."
        )
    return {key: numbers(f"{name} for {key}", values[key], n) for key in values}


def names(name: str, values: Any, among: list[str] | None = None) -> list[str]:
    """A list of different names, some of those it may be chosen among or, where they are free, at least one."""
    is_list = isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values)
    if not is_list or (among is None and not values) or len(values) > MOST_ENTRIES or len(set(values)) != len(values):
        raise ValueError(f"{name} of the feature extractor must be a list of different names, not {values!r:.200}.")
    if among is not None and not set(values) <= set(among):
        raise ValueError(f"{name} of the feature extractor must be some of {', '.join(among)}, not {values!r:.200}.")
    return list(values)
