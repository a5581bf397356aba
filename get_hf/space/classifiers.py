# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Loads the classifiers of the page."""

import functools
from pathlib import Path

from get_hf import GETFeatureExtractor, GETForSequenceClassification, GETModel, load_classifier
from get_hf.pretrained import find_checkpoint, load_folder


@functools.lru_cache(maxsize=4)
def asked(name: str) -> tuple[GETForSequenceClassification, GETFeatureExtractor]:
    """Loads a classifier when a visitor first asks for it."""
    return load_classifier(name)


def named(classifier: str | Path, model: GETModel) -> GETForSequenceClassification:
    """Loads the classifier that the page was started with.

    Raises:
        ValueError: It is no classifier, or has another sampling rate or patch size than the model.
    """
    loaded, _ = load_folder(find_checkpoint(classifier), name=str(classifier))
    if not isinstance(loaded, GETForSequenceClassification):
        raise ValueError(
            f"{classifier} holds a {type(loaded).__name__} and not a classifier: name a checkpoint that was "
            "fine-tuned for classification, or none."
        )
    for name, unit in (("sampling_rate", "Hz"), ("patch_size", "samples in a patch")):
        theirs, ours = getattr(loaded.config, name), getattr(model.config, name)
        if theirs != ours:
            raise ValueError(
                f"The classifier {classifier} reads {theirs:g} {unit} and the checkpoint {ours:g} {unit}: name a "
                "classifier that was fine-tuned from this checkpoint."
            )
    return loaded
