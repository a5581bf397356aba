# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes the card of a fine-tuned classifier, which states its classes, its training people and its accuracy."""

import textwrap
from collections.abc import Mapping
from typing import Any

from get_hf.modeling.configuration_get import GETConfig

#: Files beside a card, from whose content it is written.
SUMMARY, FIGURES = "training_summary.json", "figures.json"
_CARD = """\
---
library_name: transformers
license: apache-2.0
tags: [eeg, brain, time-series, bci]
---

# {name}

A classifier of {seconds:g} s windows of multichannel EEG, fine-tuned from GET, a Generative EEG Transformer. Classes:
{classes}.

```python
{loading}
classify("recording.edf")  # the vote of all windows
classify("recording.edf", windows=True)  # each window, with start and end in seconds
```

All windows of a recording share one calibration, so the recording should hold at least a minute of EEG.

## Training

{windows:,} windows of {people} people ({corpus}), method "{method}", seed {seed}, commit {commit}.
{channels}

## Figures

{figures}

Each figure is the mean over people who were not in training, with a 95 % interval (bootstrap over people). A trial
with several windows is judged by their vote, the mean of their probabilities; "windows alone" is the accuracy of
single windows.

## Limits

Not a medical device. The classifier knows the people, the task and the amplifier of its training corpus; on other
recordings its probabilities may be wrong. Check it on labelled recordings of your own first.
"""


#: How a folder, or a repository on the Hub, is loaded.
_FOLDER = """\
from transformers import pipeline

classify = pipeline("eeg-classification", model="{name}", trust_remote_code=True)"""
#: How a classifier inside the package is loaded.
_SHIPPED = """\
import get_hf
from transformers import pipeline

model, extractor = get_hf.load_classifier("{name}")
classify = pipeline("eeg-classification", model=model, feature_extractor=extractor)"""


def classifier_card(
    name: str,
    config: GETConfig,
    summary: Mapping[str, Any],
    found: Mapping[str, Mapping[str, Any]],
    is_shipped: bool = False,
) -> str:
    """Returns the text of the `README.md` in the folder of a classifier.

    Args:
        name: Name of the checkpoint.
        config: Configuration of the classifier.
        summary: Content of `training_summary.json`.
        found: Accuracy and related measures of each split, as `figures` returns them.
        is_shipped: Whether the classifier is a part of the package.
    """
    rows = [
        f"| {part} | {own['accuracy']:.3f} [{own['interval'][0]:.3f}, {own['interval'][1]:.3f}] "
        f"| {own['balanced_accuracy']:.3f} | {own['kappa']:.3f} | {own['auc']:.3f} "
        f"| {own['window_accuracy']:.3f} | {len(own['by_person'])} | {own['n_trials']} | {own['n_windows']} |"
        for part, own in found.items()
    ]
    table = (
        "| split | accuracy | balanced | kappa | AUC | windows alone | people | trials | windows |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    recipe = summary["recipe"]
    return _CARD.format(
        name=name,
        loading=(_SHIPPED if is_shipped else _FOLDER).format(name=name),
        seconds=config.window_seconds,
        classes=", ".join(str(config.id2label[label]) for label in sorted(config.id2label)),
        channels=_in_words(config.training_channels),
        windows=summary["training_windows"],
        people=summary["training_subjects"],
        corpus=summary["dataset"],
        method=recipe.get("method", "full"),
        seed=summary["seed"],
        commit=str(summary["commit"])[:12],
        figures=table + "\n".join(rows) if rows else "None: no people were left to judge it on.",
    )


def _in_words(channels: list[str] | None) -> str:
    """Returns a sentence on the channels that all training windows had."""
    if channels is None:
        return "The training windows have no channel in common."
    return textwrap.fill(f"Channels of all training windows: {', '.join(channels)}.", 119)
