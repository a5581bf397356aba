# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Continues the pretraining of a checkpoint on another corpus, with additional conditions if necessary.

The innovation transform and the corrections of the checkpoint are kept, because the weights were trained with them.
The embedding of a new condition starts as a copy of the embedding of the unknown condition.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from get_hf.modeling.configuration_get import GETConfig
from get_hf.modeling.modeling_get import GETModel
from get_hf.processing.feature_extraction_get import GETFeatureExtractor

#: Keys of the architecture that a recipe may change when it continues from a checkpoint.
CHANGES = ("conditions", "attn_implementation")
_EMBEDDING = "backbone.condition_embedding.weight"


def going_on_config(checkpoint: str, changes: dict) -> GETConfig:
    """Returns the configuration of a checkpoint, with the conditions of a recipe.

    Args:
        checkpoint: Folder of the checkpoint, or owner/name on the Hub.
        changes: Value of `model` in the recipe.

    Raises:
        ValueError: The recipe changes the architecture, or leaves out conditions of the checkpoint.
    """
    if "/" not in checkpoint and not Path(checkpoint).is_dir():
        raise ValueError(f"There is no checkpoint at {checkpoint}, which init_from names.")
    config = GETConfig.from_pretrained(checkpoint)
    if others := sorted(set(changes) - set(CHANGES)):
        raise ValueError(
            f"init_from takes the architecture from {checkpoint}, and model has {', '.join(others)}: leave them out."
        )
    conditions = list(changes.get("conditions", config.conditions))
    if conditions[: len(config.conditions)] != config.conditions:
        raise ValueError(
            f"model.conditions must begin with the conditions of {checkpoint}, {', '.join(config.conditions)}: add "
            "others behind."
        )
    settings = {name: value for name, value in config.to_dict().items() if name not in ("conditions", "architectures")}
    settings |= {"conditions": conditions, "heard_conditions": None}
    if "attn_implementation" in changes:
        settings["attn_implementation"] = changes["attn_implementation"]
    return GETConfig.from_dict(settings)


def going_on_model(checkpoint: str, config: GETConfig) -> GETModel:
    """Returns the model of a checkpoint, extended to the conditions of `config`."""
    weights = GETModel.from_pretrained(checkpoint).state_dict()
    model = GETModel(config)
    known = weights[_EMBEDDING]
    unknown = known[:1].expand(config.num_conditions - len(known), -1)
    model.load_state_dict(weights | {_EMBEDDING: torch.cat([known, unknown])})
    return model


def going_on_extractor(checkpoint: str, conditions: Sequence[str], heard: Sequence[str]) -> GETFeatureExtractor:
    """Returns the feature extractor of a checkpoint, extended to more conditions.

    Args:
        checkpoint: Folder of the checkpoint, or owner/name on the Hub.
        conditions: Names of all conditions, ordered by id.
        heard: Names of the conditions that occur in the corpora of the continued training.
    """
    extractor = GETFeatureExtractor.from_pretrained(checkpoint)
    before = extractor.conditions[1:] if extractor.heard_conditions is None else extractor.heard_conditions
    known = {*before, *heard}
    population, n_new = extractor.population, len(conditions) - len(extractor.conditions)
    if population.blinks is not None and n_new:
        blinks = population.blinks
        longer = {
            name: np.concatenate([values, np.repeat(values[:1], n_new, axis=0)])
            for name in ("rates", "concentrations", "traits")
            for values in [np.asarray(getattr(blinks, name))]
        }
        population = replace(population, blinks=replace(blinks, **longer))
    trained = [name for name in conditions[1:] if name in known]
    return extractor.but(conditions=list(conditions), heard_conditions=trained, population=population)
