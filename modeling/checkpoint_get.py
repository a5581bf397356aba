# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Lists the files of a checkpoint, and checks them before the checkpoint is loaded.

The list is stored beside the weights in `checkpoint_files.json`. It names the files that the model and the feature
extractor wrote:

    {"feature_extractor": {"preprocessor_config.json": null, "population.safetensors": "<SHA-256>"}, "model": {...}}

For files of tensors, the list holds a hash, which is checked. For JSON files it holds no hash, so that people may edit
these files. They must exist and be valid.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers.utils import (
    CONFIG_NAME,
    GENERATION_CONFIG_NAME,
    SAFE_WEIGHTS_INDEX_NAME,
    SAFE_WEIGHTS_NAME,
    cached_file,
)

#: File name of the list.
FILES = "checkpoint_files.json"
#: Key of the model's entries in the list.
OWNER = "model"
#: Name of the model class that does not generate.
CLASSIFIER = "GETForSequenceClassification"
#: Range of numbers in `generation_config.json`. A larger value is a mistake, or would need too much time or memory.
GENERATION_RANGES = {
    "temperature": (0, 100),
    "guidance_scale": (0, 100),
    "num_flow_steps": (1, 1000),
    "burst_correlation": (0, 1),
    "modulation_depth": (0, 100),
    "max_length": (1, 10_000_000),
    "max_new_tokens": (1, 10_000_000),
    "seconds": (0, 10_000_000),
    "num_return_sequences": (1, 10_000),
}


def list_files(folder: str | os.PathLike) -> None:
    """Writes the model's entries of the list, in a folder to which a model was saved.

    Weights of an earlier save are deleted. transformers leaves them in the folder, and could load them instead of the
    new weights.
    """
    folder = Path(folder)
    index = folder / SAFE_WEIGHTS_INDEX_NAME
    if index.is_file():
        # saving in one file deletes the parts that an index names; saving in parts leaves the old single file
        in_parts = all((folder / name).is_file() for name in parts_of(index))
        (folder / SAFE_WEIGHTS_NAME if in_parts else index).unlink(missing_ok=True)
    texts = [folder / CONFIG_NAME, folder / GENERATION_CONFIG_NAME, *folder.glob("model.safetensors.index*.json")]
    files: dict[str, str | None] = {file.name: None for file in texts if file.is_file()}
    files |= {file.name: _sha256(file) for file in folder.glob("model*.safetensors")}
    path = folder / FILES
    try:
        listed = read_list(path)
    except (OSError, ValueError):  # no list yet, or a damaged one, which this save replaces
        listed = {}
    path.write_text(json.dumps(listed | {OWNER: files}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def check_files(
    checkpoint: str | os.PathLike, place: dict[str, Any], generates: bool, variant: str | None = None
) -> int | None:
    """Checks that a checkpoint is complete, before any part of it is loaded.

    Args:
        checkpoint: A folder, or the name of a repository on the Hub.
        place: Arguments of `cached_file` that locate the checkpoint, such as the revision.
        generates: Whether the checkpoint will be loaded as a model that generates.
        variant: Variant of the weights, as in `from_pretrained`.

    Returns:
        Size of the weights in bytes. None if `checkpoint` cannot be reached; the error of loading then says why.

    Raises:
        ValueError: A file is missing, differs from the list, or is invalid.
    """

    def find(name: str, **options: bool) -> str | None:
        """Returns the path of the file with this name, or None if it does not exist."""
        return cached_file(checkpoint, name, _raise_exceptions_for_missing_entries=False, **options, **place)

    config = find(CONFIG_NAME)
    if config is None:
        return None
    architectures = read_object(config).get("architectures")
    file = find(FILES, _raise_exceptions_for_connection_errors=False)
    # a list without the model's entries comes from a feature extractor that was saved alone
    listed = None if file is None else read_list(file).get(OWNER)
    if generates and architectures != [CLASSIFIER]:  # a classifier has no such file; its weights are refused
        _check_generation(checkpoint, find(GENERATION_CONFIG_NAME))
    size = 0
    for name in _weights(checkpoint, find, variant):
        file = find(name)
        if file is None:
            raise ValueError(f"{checkpoint} lacks {name}, a part of its weights: fetch or copy all of the checkpoint.")
        if listed is not None and listed.get(name) != _sha256(file):
            is_other = "is not the file that" if name in listed else "is not among the files that"
            raise ValueError(
                f"{name} of {checkpoint} {is_other} its {FILES} names: it is damaged or of another checkpoint; fetch "
                f"it again, or remove {FILES} where you changed the weights yourself."
            )
        size += os.path.getsize(file)
    return size


def read_list(file: str | os.PathLike) -> dict[str, dict[str, str | None]]:
    """Reads the list, which holds a hash by file name, for the files of the model and of the feature extractor.

    Raises:
        ValueError: The file is not such a list, or names a file outside its folder.
    """
    listed = read_object(file)
    for files in listed.values():
        if not isinstance(files, dict) or not all(is_plain(name) for name in files):
            raise ValueError(
                f"{FILES} must name files of its own folder, for the model and for the feature extractor: fetch the "
                "checkpoint again, or remove this file."
            )
    return listed


def parts_of(index: str | os.PathLike) -> list[str]:
    """Returns the names of the files to which an index of sharded weights refers.

    Raises:
        ValueError: The file is not an index, or it refers to a file outside its folder.
    """
    parts = read_object(index).get("weight_map")
    if not isinstance(parts, dict) or not parts or not all(is_plain(name) for name in parts.values()):
        raise ValueError(
            f"{os.path.basename(index)} must name safetensors files of its own folder by weight: fetch the checkpoint "
            "again."
        )
    return sorted(set(parts.values()))


def read_object(file: str | os.PathLike) -> dict[str, Any]:
    """Reads a JSON file that holds an object, which means names with values.

    Raises:
        ValueError: The file holds something else.
    """
    name = os.path.basename(file)
    try:
        with open(file, encoding="utf-8") as opened:
            content = json.load(opened)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}; correct it, or fetch it again.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{name} holds a {type(content).__name__} where names and values belong: fetch it again.")
    return content


def is_plain(name: Any) -> bool:
    """Whether a name is the name of a file in the same folder, of a kind that runs no code when it is read."""
    is_name = isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\:\0")
    return is_name and name.endswith((".safetensors", ".json"))


def _weights(checkpoint: str | os.PathLike, find: Callable[[str], str | None], variant: str | None) -> list[str]:
    """Returns the names of the files that hold the weights, in the order in which transformers looks for them."""
    single, index = (
        name if variant is None else f".{variant}.".join(name.rsplit(".", 1))
        for name in (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME)
    )
    if find(single) is not None:
        return [single]
    file = find(index)
    if file is None:
        raise ValueError(
            f"{checkpoint} has no weights in {single} or {index}: fetch or copy all of the checkpoint (other kinds of "
            "weights can run code and are not read)."
        )
    return parts_of(file)


def _check_generation(checkpoint: str | os.PathLike, file: str | None) -> None:
    """Refuses missing or wrong options, which would change the amplitude and the variability of generated EEG."""
    if file is None:
        raise ValueError(
            f"{checkpoint} lacks {GENERATION_CONFIG_NAME}, without which generated EEG is far too weak: "
            "fetch or copy all of the checkpoint."
        )
    options = read_object(file)
    if not isinstance(options.get("do_sample"), bool):
        raise ValueError(
            f"{GENERATION_CONFIG_NAME} of {checkpoint} must set do_sample to true or false, not "
            f"{options.get('do_sample')!r}: without noise, generated EEG is far too weak."
        )
    for name, (least, largest) in GENERATION_RANGES.items():
        value = options.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= largest:
            raise ValueError(
                f"{name} in {GENERATION_CONFIG_NAME} of {checkpoint} must be a number from {least:g} to {largest:g}, "
                f"not {value!r}."
            )


def _sha256(file: str | os.PathLike) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
