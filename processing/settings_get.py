# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What `preprocessor_config.json` may hold: anything else is refused, by name, before it spoils a signal."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

#: Keys that transformers writes there.
UNDECLARED = ("auto_map", "feature_extractor_type", "processor_class")


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


def rows_in_lines(json: str) -> str:
    """Indented JSON with each list of numbers in one line: a table of them looks like one."""
    return re.sub(r"\[\n[\s\d.eE+,-]+\]", lambda found: f"[{' '.join(found[0][1:-1].split())}]", json)


def number(name: str, value: Any) -> float:
    """A number as `preprocessor_config.json` should hold it; text that looks like one is none.

    Raises:
        ValueError: Anything else, or one that is not positive.
    """
    if isinstance(value, (bool, str)) or not np.isscalar(value) or not 0 < value < np.inf:
        raise ValueError(f"{name} of the feature extractor must be a positive number, not {value!r}.")
    return float(value)


def numbers(name: str, values: Any, n: int | None = None) -> list[float]:
    """A list of finite numbers, `n` of them if given; see `number`."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.array("")
    if array.ndim != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(f"{name} of the feature extractor must be a list of numbers, not {values!r}.")
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
    if not is_list or (among is None and not values) or len(set(values)) != len(values):
        raise ValueError(f"{name} of the feature extractor must be a list of different names, not {values!r}.")
    if among is not None and not set(values) <= set(among):
        raise ValueError(f"{name} of the feature extractor must be some of {', '.join(among)}, not {values!r}.")
    return list(values)
