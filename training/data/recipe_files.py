# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Reads recipes, which are YAML files with flat keys and values, into dataclasses.

A mistake in a recipe raises an error of one sentence, before any data are read or written.
"""

import contextlib
import dataclasses
import difflib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub.dataclasses import type_validator
from transformers import HfArgumentParser


def read_parts(
    path: str | Path, overrides: Mapping[str, Any] | None, parts: Sequence[type]
) -> tuple[list[Any], dict[str, Any]]:
    """Reads a recipe into dataclasses.

    Args:
        path: Path of the YAML file.
        overrides: Keys and values that replace those of the file; `model.hidden_size` sets a key inside `model`. Text
            is parsed as YAML: for example, "12" from a command line becomes a number where a number is expected.
        parts: Dataclasses whose fields are the keys. Each key belongs to one of the dataclasses.

    Returns:
        One object of each dataclass, and the checked keys and values of the file and the overrides.

    Raises:
        ValueError: The file is missing or is not a mapping, or a key is unknown, of the wrong type or out of range.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no recipe at {path}.")
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(given, dict):
        raise ValueError(f"{path} must hold keys and values, not a {type(given).__name__}.")
    for key, value in (overrides or {}).items():
        name, _, inner = key.partition(".")
        if inner:
            given[name] = {**(given.get(name) or {}), inner: _parsed(value)}
        else:
            given[name] = value

    hints = {name: hint for part in parts for name, hint in typing.get_type_hints(part).items()}
    if "resume_from_checkpoint" in hints:
        hints["resume_from_checkpoint"] |= bool  # transformers also accepts true (last checkpoint)
    fields = {field.name for part in parts for field in dataclasses.fields(part) if field.init}
    checked = {}
    for key, value in given.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, 3)
            raise ValueError(
                f"{path.name} has an unknown key {key!r}{f': {_either(near)} is meant?' if near else '.'}"
            )
        checked[key] = _as_type(key, value, hints[key])
    with errors_of(path):
        return list(HfArgumentParser(parts).parse_dict(checked)), checked


@contextlib.contextmanager
def errors_of(path: str | Path) -> typing.Iterator[None]:
    """Converts every error inside the context into a ValueError of one sentence that names the recipe."""
    name = Path(path).name
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from error
    except Exception as error:  # the decorator @strict of the configuration has its own error classes
        raise ValueError(f"{name}: {' '.join(str(error).split())}") from error


def _parsed(text: Any) -> Any:
    """Parses text as YAML; returns any other value unchanged."""
    if not isinstance(text, str):
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    try:
        return float(value) if isinstance(value, str) else value  # YAML reads 1e-4 as text
    except ValueError:
        return value


def _as_type(key: str, value: Any, hint: Any) -> Any:
    """Returns the value as one of the declared types of a dataclass field.

    Raises:
        ValueError: The value fits none of these types.
    """
    parsed = _parsed(value)
    # a mapping and "null" are read as such even where text is allowed; 3 is accepted in place of 3.0
    candidates = [parsed, value] if parsed is None or isinstance(parsed, dict) else [value, parsed]
    candidates += [float(parsed)] if type(parsed) is int else []
    for candidate in candidates:
        with contextlib.suppress(TypeError):
            type_validator(key, candidate, hint)
            return candidate
    options = (hint,) if typing.get_origin(hint) is dict else typing.get_args(hint) or (hint,)
    wanted = [option.__name__ if isinstance(option, type) else str(option) for option in options]
    wanted = [name for name in wanted if name != "NoneType"]
    raise ValueError(f"{key} must be {_either(wanted)}, not {value!r}.")


def _either(words: list[str]) -> str:
    return " or ".join(words)
