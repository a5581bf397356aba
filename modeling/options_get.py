# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the options of `generate()` and their ranges, and refuses other options of transformers."""

import math
from typing import Any

from transformers.generation import GenerationConfig

from .configuration_get import is_number

#: Options of a `GenerationConfig` that `generate` supports. Other options are refused, because they have no effect.
SUPPORTED_OPTIONS = {
    "cache_implementation",
    "do_sample",
    "guidance_scale",
    "max_length",
    "max_new_tokens",
    "max_time",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "return_dict_in_generate",
    "temperature",
    "use_cache",
}
#: Options that only GET has, with the values that are used if neither the call nor the generation config sets them.
OWN_OPTIONS = {"num_flow_steps": 6, "burst_correlation": 0.0, "modulation_depth": 0.0}
#: Smallest and largest value of numerical options.
RANGES = dict.fromkeys(("temperature", "modulation_depth", "guidance_scale"), (0, math.inf)) | {
    "num_flow_steps": (1, math.inf),
    "burst_correlation": (0, 1),
}


def generation_config(**options: Any) -> GenerationConfig:
    """Returns a checked generation config with GET's defaults; `options` replace these defaults.

    Raises:
        ValueError: An option is out of range.
    """
    check_options(config := GenerationConfig(**{"do_sample": True, "temperature": 1.0} | OWN_OPTIONS | options))
    return config


def check_options(config: GenerationConfig) -> None:
    """Raises an error if the temperature, the guidance or an option of `OWN_OPTIONS` is not a number in its range."""
    for name, (low, high) in RANGES.items():
        value, is_whole = getattr(config, name), name == "num_flow_steps"
        in_range = is_number(value, whole=is_whole) and low <= value <= high
        if not in_range and not (name == "guidance_scale" and value is None):
            kind = "a whole number" if is_whole else "a number"
            upper = "up" if math.isinf(high) else f"to {high}"
            raise ValueError(f"{name} must be {kind} from {low} {upper}, not {value!r}.")


def check_supported(generation_config: GenerationConfig | None, kwargs: dict[str, Any]) -> None:
    """Raises an error for options of a `GenerationConfig` without meaning for EEG (top-k, beams, penalties ...)."""
    known = GenerationConfig().to_dict()
    given = {name: value for name, value in kwargs.items() if name in known and value is not None}
    if generation_config is not None:
        own = generation_config.to_dict()
        given.update({name: own[name] for name in known if name in own and own[name] != known[name]})
    neutral = {"num_beams": 1, "_from_model_config": None, "transformers_version": None}
    refused = sorted(
        name
        for name, value in given.items()
        if name not in SUPPORTED_OPTIONS and not (name in neutral and neutral[name] in (None, value))
    )
    if refused:
        raise ValueError(
            f"generate() of GET does not know {', '.join(refused)}: a patch of EEG is drawn by a flow, not chosen "
            f"from a vocabulary. It knows {', '.join([*sorted(SUPPORTED_OPTIONS), *OWN_OPTIONS])}, seconds "
            "and generator."
        )
