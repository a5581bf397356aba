# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes the model card of a checkpoint on the Hub, with description, origin, and measured values as metadata."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard

from get_hf.modeling.card_get import CARD, describe, new_card, task_of, with_use
from get_hf.modeling.configuration_get import GETConfig

#: Files in the folder of the weights that `get-hf evaluate` and training write.
FIGURES, SUMMARY = "fidelity.json", "training_summary.json"


#: Finds a path on this machine, in POSIX or Windows notation, with or without quotes, but no part of a web address.
_PATH = re.compile(
    r"""(?<=['"])(?:~|\.\.?|[A-Za-z]:)?[/\\][^'"]+(?=['"])"""
    r"""|file:/+[^\s'"]+"""
    r"""|(?<![\w/.<])(?!//)(?:~|\.\.?|[A-Za-z]:)?[/\\][^\s'"<>|,;()\[\]]+"""
)
_LOCAL_CORPUS = re.compile(r"\b(bids|files):\S+")


@dataclass
class Provenance:
    """Origin of a checkpoint, as given by a user. It has priority over the origin in the files of the checkpoint.

    Attributes:
        base_model: Name on the Hub of the checkpoint that was fine-tuned.
        dataset: Name of the training data, which is a dataset on the Hub or a corpus.
        metrics: Measured values by name, such as `{"accuracy": 0.81}`.
        license: Licence of the weights, in the Hub's spelling.
    """

    base_model: str | None = None
    dataset: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    license: str | None = None


def write_card(
    folder: Path,
    repo: str,
    config: GETConfig,
    provenance: Provenance,
    card: str | Path,
    required: bool = False,
    name: str | None = None,
) -> None:
    """Writes `README.md` of a checkpoint.

    The text and the metadata of the given card stay, but measured and given values replace its values. Unknown values
    are left out.

    Args:
        folder: Folder of the checkpoint. Its `fidelity.json` and `training_summary.json` are read if they exist.
        repo: Name of the repository on the Hub, "owner/name".
        config: Configuration of the model.
        provenance: Origin of the checkpoint. Missing values are read from `training_summary.json`, where they have the
            same names.
        card: Path of a Markdown file, which is the start of the new card.
        required: Whether it is an error if `card` does not exist. Otherwise a short card is written.
        name: Name of the card in error messages.

    Raises:
        FileNotFoundError: `card` does not exist, although it is required.
        ValueError: The metadata at the head of the card, or one of the files, is invalid. Or the given origin is a
            folder of this machine.
    """
    card = Path(card)
    if required and not card.is_file():
        raise FileNotFoundError(f"There is no model card at {card}.")
    for given in (provenance.base_model, provenance.dataset):
        if given is not None and _public_name(given) != given:
            raise ValueError(
                f"{given} is on this machine, where readers of the card cannot see it: name one on the Hub."
            )
    summary, fidelity = read_json(folder / SUMMARY), read_json(folder / FIGURES)
    base_model = provenance.base_model or _public_name(summary.get("base_model"))
    dataset = provenance.dataset or _public_name(summary.get("dataset"))
    metrics = {**(summary.get("metrics") or {}), **provenance.metrics}
    task = task_of(config)

    text = card.read_text(encoding="utf-8") if card.is_file() else new_card(repo, config)
    try:
        model_card = ModelCard(text)
    except Exception as error:  # YAML raises its own errors
        raise ValueError(
            f"The metadata at the head of {name or card} cannot be read: {' '.join(str(error).split())}"
        ) from error
    model_card.text = with_use(model_card.text, repo, config)

    data = model_card.data
    describe(data, config)
    data.license = provenance.license or data.license
    data.base_model = base_model or data.base_model
    if dataset and "/" in dataset:  # only a dataset on the Hub is listed
        data.datasets = [*dict.fromkeys([*_list(data.datasets), dataset])]
    results = _measured(metrics, task, dataset) + _fidelity(fidelity, task)
    if results:
        data.model_name, data.eval_results = repo.partition("/")[2], results
        data.metrics = [*dict.fromkeys([*_list(data.metrics), *(result.metric_type for result in results)])]
    (folder / CARD).write_text(str(model_card), encoding="utf-8")


def _measured(metrics: dict[str, float], task: tuple[str, str], dataset: str | None) -> list[EvalResult]:
    """Converts the measured values of a fine-tuned model to entries of the metadata."""
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"metrics are numbers by name, but {name} is {value!r}.")
    return [_result(name, value, task, dataset or "unknown") for name, value in metrics.items()]


def _fidelity(fidelity: dict, task: tuple[str, str]) -> list[EvalResult]:
    """Converts the results of `get-hf evaluate` to entries, each with its interval and the value of real EEG."""
    if not fidelity:
        return []
    try:
        about, rows = fidelity["about"], fidelity["rows"]
        judged = next(iter(rows.values()))
        real = rows.get("real", {})
        return [
            _result(
                name,
                row["value"],
                task,
                about["corpus"],
                about["split"],
                {"unit": row["unit"], "interval": row["interval"], "real": real.get(name, {}).get("value")},
            )
            for name, row in judged.items()
        ]
    except (AttributeError, KeyError, StopIteration, TypeError) as error:
        raise ValueError(f"{FIGURES} is not what get-hf evaluate writes: run it again.") from error


def _result(
    name: str, value: float, task: tuple[str, str], dataset: str, split: str | None = None, args: dict | None = None
) -> EvalResult:
    return EvalResult(
        task_type=task[0],
        task_name=task[1],
        dataset_type=dataset,
        dataset_name=dataset,
        dataset_split=split,
        metric_type=re.sub(r"\W+", "-", name.lower()).strip("-"),
        metric_name=name,
        metric_value=value,
        metric_args=args,
    )


def _list(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def read_json(path: Path) -> dict:
    """Reads names and values from a JSON file; the result is empty if the file does not exist.

    Raises:
        ValueError: The file holds something else.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds a {type(content).__name__} where names and values were expected.")
    return content


def without_paths(content: Any) -> Any:
    """Removes paths on this machine from the content of a JSON file; of `bids:FOLDER`, "bids" remains."""
    if isinstance(content, dict):
        return {without_paths(name): without_paths(value) for name, value in content.items()}
    if isinstance(content, list):
        return [without_paths(value) for value in content]
    if not isinstance(content, str):
        return content
    return _PATH.sub("(a local path)", _LOCAL_CORPUS.sub(r"\1", content))


def _public_name(given: Any) -> str | None:
    """Returns the name of a model or a corpus without paths on this machine; None if only a path was given."""
    if not isinstance(given, str) or ("/" in given and Path(given).exists()):
        return None
    public = _LOCAL_CORPUS.sub(r"\1", given)
    return None if _PATH.search(public) else public
