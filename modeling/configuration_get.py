# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the configuration of GET."""

import math
import numbers
from typing import Any

import torch
from huggingface_hub.dataclasses import strict
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedConfig
from transformers.utils import TRANSFORMERS_DYNAMIC_MODULE_NAME

#: Format of the checkpoints that this code reads and writes. It is increased with every change that older code would
#: misread.
FORMAT_VERSION = 7
#: Names of the conditions that a patch of EEG can have; the index is the id. Id 0 means unknown. Guidance moves the
#: generated EEG away from the unknown condition.
CONDITIONS = (
    "none",
    "rest",
    "eyes_open",
    "eyes_closed",
    "left_fist",
    "right_fist",
    "both_fists",
    "feet",
    "tongue",
    "seizure",
)
#: Keys that transformers writes into configurations, or reads from them, without declaring them. They describe
#: quantisation, or the code and the pipelines that are saved with a model.
UNDECLARED = ("attn_implementation", "auto_map", "custom_pipelines", "quantization_config", "tie_word_embeddings")

#: Smallest and largest value of arguments. With larger values, memory could run out before any weight is read.
RANGES = {
    "patch_size": (1, 1000),
    "sampling_rate": (1, 100_000),
    "num_calibration_features": (0, 10_000),
    "hidden_size": (1, 16_384),
    "num_hidden_layers": (1, 1000),
    "num_attention_heads": (1, 1000),
    "intermediate_size": (1, 65_536),
    "sliding_window": (2, 1_000_000),
    "rope_theta": (1, 1e12),
    "flow_num_layers": (1, 1000),
    "flow_hidden_size": (1, 16_384),
    "flow_intermediate_size": (1, 65_536),
    "rms_norm_eps": (0, 1),
    "initializer_range": (0, 100),
    "attention_dropout": (0, 1),
    "classifier_dropout": (0, 1),
}
#: Largest number of conditions and of classes.
MOST_NAMES = 10_000
#: Longest window of a classifier, in seconds.
MOST_SECONDS = 3600
#: Ways in which a classifier pools channels.
POOLING = ("position", "mean")
#: Number of quadratic functions of an electrode's position, see `pooling_get.quadratic_in_position`.
N_QUADRATIC = 9
#: Attributes that must be equal in the model and the feature extractor.
SHARED = ("sampling_rate", "patch_size", "conditions", "heard_conditions")


@strict
class GETConfig(PreTrainedConfig):
    r"""Architecture of a Generative EEG Transformer.

    Args:
        patch_size (`int`): Number of samples per patch and channel. One step generates one patch of all channels.
        sampling_rate (`float`): Sampling rate in Hz.
        num_calibration_features (`int`): Number of calibration features per channel. They describe what the feature
            extractor removed by normalisation.
        conditions (`list[str]`): Names of the conditions; the index is the id. The first name means unknown.
        heard_conditions (`list[str]`, *optional*): Conditions on which the model was trained. `generate` accepts no
            other conditions. None: the training conditions are not known, and `generate` accepts all conditions.
        hidden_size (`int`): Width of the backbone.
        num_hidden_layers (`int`): Number of blocks of the backbone.
        num_attention_heads (`int`): Number of heads of each attention, over time and over channels.
        intermediate_size (`int`): Inner width of the gated MLPs.
        sliding_window (`int`): Number of patches that attention over time sees, including the current patch.
        rope_theta (`float`): Base of the rotary embedding of time, in patches.
        flow_bands (`list[int]`): Number of coefficients in each band, from the lowest to the highest band. Their sum
            is `patch_size`. The flow draws the amplitude of each band as a separate variable. If the list is empty,
            the flow draws the patch itself.
        flow_num_layers (`int`): Number of blocks of the flow head.
        flow_hidden_size (`int`): Width of the flow head.
        flow_intermediate_size (`int`): Inner width of the flow head's MLPs.
        rms_norm_eps (`float`): Epsilon of the normalisations.
        initializer_range (`float`): Standard deviation of initial weights.
        attention_dropout (`float`): Dropout of attention weights in training.
        classifier_pooling (`str`): How a classifier pools channels. "position" uses nine functions of the electrode's
            position. "mean" uses the mean over channels, which cannot distinguish left from right.
        classifier_dropout (`float`): Dropout of a classifier's features in training.
        window_seconds (`float`, *optional*): Length of the windows on which a classifier was trained. Pipelines divide
            recordings into windows of this length. None: a recording is one window.
        stride_seconds (`float`, *optional*): Distance between the starts of windows. None: `window_seconds`.
        training_channels (`list[str]`, *optional*): Channels that all training windows of a classifier had. It
            accepts any channels. Pipelines warn if a recording covers other regions of the scalp.
        use_cache (`bool`): Whether the model returns its key/value cache by default.
        format_version (`int`): Format of the checkpoint, see `FORMAT_VERSION`.

    Raises:
        ValueError: An argument does not exist (it may be misspelt), sizes contradict each other, or a checkpoint has a
            newer or older format or belongs to another model.
        huggingface_hub.errors.StrictDataclassError: A value has the wrong type.

    Example:
        >>> from get_hf import GETConfig, GETModel
        >>> model = GETModel(GETConfig(hidden_size=64, num_hidden_layers=2))
    """

    model_type = "get"
    keys_to_ignore_at_inference = ["past_key_values"]

    patch_size: int = 25
    sampling_rate: float = 100.0
    num_calibration_features: int = 27
    conditions: list[str] | tuple[str, ...] = CONDITIONS
    heard_conditions: list[str] | tuple[str, ...] | None = None
    hidden_size: int = 192
    num_hidden_layers: int = 5
    num_attention_heads: int = 6
    intermediate_size: int = 512
    sliding_window: int = 96
    rope_theta: float = 1000.0
    flow_bands: list[int] | tuple[int, ...] = (3, 5, 8, 9)
    flow_num_layers: int = 3
    flow_hidden_size: int = 192
    flow_intermediate_size: int = 384
    rms_norm_eps: float = 1e-6
    initializer_range: float = 0.02
    attention_dropout: float = 0.0
    classifier_pooling: str = "position"
    classifier_dropout: float = 0.0
    window_seconds: float | None = None
    stride_seconds: float | None = None
    training_channels: list[str] | tuple[str, ...] | None = None
    use_cache: bool = True
    format_version: int = FORMAT_VERSION

    def __post_init__(self, **kwargs):
        # first, so that an argument of a newer format is not reported as a mistake
        if self.format_version != FORMAT_VERSION:
            age, revision = (
                ("a newer", "an older") if self.format_version > FORMAT_VERSION else ("an older", "a newer")
            )
            raise ValueError(
                f"The checkpoint is of format {self.format_version}, and this version of GET-HF reads format "
                f"{FORMAT_VERSION}: install {age} one, or pin {revision} revision of the checkpoint."
            )
        self._check_ranges(kwargs.get("num_labels"))  # lists of such lengths are created below
        if not __name__.startswith(TRANSFORMERS_DYNAMIC_MODULE_NAME):
            # the package has its own pipelines; with this key, pipeline() would only use the ones beside the weights
            kwargs.pop("custom_pipelines", None)
        for name in ("conditions", "flow_bands", "heard_conditions", "training_channels"):
            value = getattr(self, name)
            is_optional = name in ("heard_conditions", "training_channels")
            if not isinstance(value, (list, tuple)) and not (is_optional and value is None):
                raise ValueError(f"{name} must be a list, not {value!r}.")
            setattr(self, name, None if value is None else list(value))
        # read by the cache and the mask functions of transformers
        self.layer_types = ["sliding_attention"] * self.num_hidden_layers
        kwargs.pop("layer_types", None)
        unknown = sorted(name for name in kwargs if not _is_inherited(name))
        if unknown:
            raise ValueError(
                f"GETConfig has no argument {', '.join(map(repr, unknown))}; it has {', '.join(own_arguments())}."
            )
        super().__post_init__(**kwargs)
        self.validate_architecture()  # transformers does so after this, but wraps the ValueError

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs) -> "GETConfig":
        """Reads the output of `to_dict`; refuses the output of another model, for which transformers only warns."""
        config_dict = {"format_version": 1} | config_dict  # the first format had no number
        model_type = config_dict.get("model_type", cls.model_type)
        if model_type != cls.model_type:
            raise ValueError(
                f"The checkpoint's model_type is {model_type!r}, not {cls.model_type!r}: name a checkpoint of GET, or "
                "load this one with AutoModel."
            )
        for name in ("attn_implementation", "_attn_implementation"):
            if "/" in str(config_dict.get(name)):
                raise ValueError(
                    f"The checkpoint's {name} is {config_dict[name]!r}, code of another repository: remove it from "
                    "config.json, and pass it to from_pretrained where you trust that code."
                )
        try:
            return super().from_dict(config_dict, **kwargs)
        except StrictDataclassError as error:
            raise ValueError(f"config.json cannot be read: {' '.join(str(error).split())}") from error

    @property
    def num_conditions(self) -> int:
        """Number of conditions, including the unknown condition."""
        return len(self.conditions)

    @property
    def known_conditions(self) -> list[str] | tuple[str, ...]:
        """Names of the conditions that `generate` accepts."""
        return self.conditions[1:] if self.heard_conditions is None else self.heard_conditions

    @property
    def head_dim(self) -> int:
        """Width of one attention head of the backbone."""
        return self.hidden_size // self.num_attention_heads

    @property
    def flow_size(self) -> int:
        """Number of variables per channel that the flow draws for a patch: waveform and amplitudes of bands."""
        return self.patch_size + len(self.flow_bands)

    @property
    def noise_size(self) -> int:
        """Number of noise values per channel and patch in training: for the flow, and for the dither of amplitudes."""
        return self.flow_size + len(self.flow_bands)

    @property
    def num_classifier_features(self) -> int:
        """Number of input features of a classifier's linear layer."""
        if self.classifier_pooling == "mean":
            return self.hidden_size
        return N_QUADRATIC * (self.hidden_size + self.patch_size + self.num_calibration_features)

    @property
    def context_seconds(self) -> float:
        """Length of the past on which a patch depends, in seconds; an earlier past needs memory and has no effect."""
        return self.num_hidden_layers * self.sliding_window * self.patch_size / self.sampling_rate

    def check_extractor(self, extractor: dict[str, Any]) -> None:
        """Checks that a feature extractor prepares inputs for this model.

        Args:
            extractor: Attributes of the feature extractor, as they are stored in `preprocessor_config.json`.

        Raises:
            ValueError: The sampling rate, the patch size or the conditions differ. A missing attribute is no error.
        """
        for name in SHARED:
            ours, its = getattr(self, name), extractor.get(name)
            if None not in (ours, its) and ours != its:
                raise ValueError(
                    f"The model's {name} is {ours} and the feature extractor's is {its}: take both from one "
                    "checkpoint."
                )

    def check_conditions(self, condition_ids: torch.Tensor | None) -> None:
        """Checks that the model was trained on the conditions that it will generate; without conditions, does nothing.

        Raises:
            ValueError: The model was not trained on the condition with an id, or no condition has this id.
        """
        if condition_ids is None:
            return
        known = {self.conditions.index(name): name for name in (self.conditions[0], *self.known_conditions)}
        if unheard := sorted(set(condition_ids.unique().tolist()) - set(known)):
            names = [f"{i} ({self.conditions[i]})" if 0 <= i < self.num_conditions else str(i) for i in unheard]
            raise ValueError(
                f"condition_ids hold {', '.join(names)}, which this model was not trained with: it knows "
                f"{', '.join(f'{i} ({name})' for i, name in known.items())}."
            )

    def _check_ranges(self, num_labels: Any) -> None:
        """Checks that each size is possible, before anything of that size is allocated."""
        for name, (least, largest) in RANGES.items():
            value = getattr(self, name)
            if not value >= least:
                raise ValueError(f"{name} must be at least {least}, not {value}.")
            if not value <= largest:
                raise ValueError(
                    f"{name} must be at most {largest:,}, not {value}: memory would run out before a weight is read."
                )
        labels = num_labels if isinstance(num_labels, int) else 0
        for name, count in (("conditions", len(self.conditions)), ("num_labels", labels)):
            if count > MOST_NAMES:
                raise ValueError(f"{name} must be at most {MOST_NAMES:,}, not {count}: memory would run out.")

    def validate_architecture(self):
        """Checks that the sizes fit each other (called by transformers after initialisation)."""
        for name in ("hidden_size", "flow_hidden_size"):
            size = getattr(self, name)
            if size % (2 * self.num_attention_heads):
                raise ValueError(
                    f"{name} ({size}) must be a multiple of twice num_attention_heads ({self.num_attention_heads}): "
                    "each head rotates pairs of features."
                )
        if self.flow_bands and (min(self.flow_bands) < 1 or sum(self.flow_bands) != self.patch_size):
            raise ValueError(
                f"flow_bands {self.flow_bands} must be sizes that add up to patch_size ({self.patch_size}), or empty."
            )
        if len(set(self.conditions)) != len(self.conditions) or not self.conditions:
            raise ValueError(f"conditions must be different names, the first for unknown, not {self.conditions}.")
        if self.classifier_pooling not in POOLING:
            raise ValueError(f"classifier_pooling must be {' or '.join(POOLING)}, not {self.classifier_pooling!r}.")
        for name in ("window_seconds", "stride_seconds"):
            seconds, patch = getattr(self, name), self.patch_size / self.sampling_rate
            if seconds is not None and not patch <= seconds <= MOST_SECONDS:
                raise ValueError(
                    f"{name} must lie between one patch ({patch:g} s) and {MOST_SECONDS} s, not at {seconds}."
                )
        heard = self.heard_conditions or []
        if len(set(heard)) != len(heard) or not set(heard) <= set(self.conditions[1:]):
            raise ValueError(
                f"heard_conditions must be different ones of {', '.join(self.conditions[1:])}, not {heard}."
            )


def is_number(value: Any, whole: bool = False) -> bool:
    """Whether a value is a finite number, and with `whole` also an integer; text such as "1" is not a number."""
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_real and math.isfinite(value) and not (whole and value % 1)


def own_arguments() -> list[str]:
    """Returns the names of the arguments that only GETConfig has, and not every configuration of transformers."""
    return [name for name in GETConfig.__annotations__ if name not in PreTrainedConfig.__annotations__]


def _is_inherited(name: str) -> bool:
    """Whether transformers itself uses a configuration key, declared or not."""
    return name.startswith("_") or hasattr(PreTrainedConfig(), name) or name in UNDECLARED


__all__ = ["CONDITIONS", "FORMAT_VERSION", "GETConfig"]
