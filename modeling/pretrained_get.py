# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines the base class of all models of GET, with settings for transformers and checks of checkpoints."""

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig
from transformers import initialization as init
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import FEATURE_EXTRACTOR_NAME, SAFE_WEIGHTS_NAME, auto_docstring, cached_file, logging
from transformers.utils.hub import resolve_revision
from transformers.utils.output_capturing import OutputRecorder

from .card_get import CARD, TAGS, complete_card
from .checkpoint_get import check_files, list_files, read_object
from .configuration_get import GETConfig
from .flow_get import GETZeroLinear
from .layers_get import GETAttention, GETBlock
from .pipeline_get import EEGClassificationPipeline, EEGFeatureExtractionPipeline, EEGGenerationPipeline
from .pooling_get import GETPooling

#: Modules that some of the models have in addition to the backbone.
HEADS = ("classifier", "flow_head", "pooling")
#: Weights that the checkpoint of a generator does not have, so that they are new in a classifier.
NEW = ("classifier.", "pooling.")
#: Arguments of `from_pretrained` that locate a checkpoint.
PLACE = ("cache_dir", "force_download", "local_files_only", "revision", "subfolder", "token")
#: Name of the folder of low-rank changes inside a checkpoint, and name of their configuration file in peft.
ADAPTER, ADAPTER_CONFIG = "adapter", "adapter_config.json"
#: Largest number of parameters in a configuration, per byte of weights. 4-bit weights have two parameters per byte,
#: and a head may be new.
LARGEST_GROWTH = 8
CLASSIFIER = "AutoModelForSequenceClassification"
#: Task and pipeline of the models that an Auto class loads.
PIPELINES = {
    "AutoModel": ("eeg-generation", EEGGenerationPipeline),
    CLASSIFIER: ("eeg-classification", EEGClassificationPipeline),
}
#: Task and pipeline that every checkpoint has: it loads the checkpoint as a classifier, whose linear layer it ignores.
FEATURES = ("eeg-feature-extraction", EEGFeatureExtractionPipeline)


@auto_docstring
class GETPreTrainedModel(PreTrainedModel):
    config: GETConfig
    base_model_prefix = "backbone"
    main_input_name = "input_values"
    input_modalities = ("time",)
    output_modalities = ("time",)
    model_tags = [*TAGS]
    supports_gradient_checkpointing = True
    # forward computes the mean over samples, so Trainer must divide the loss under gradient accumulation
    accepts_loss_kwargs = False
    _no_split_modules = ["GETBlock", "GETFlowHead"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = True
    _can_record_outputs = {
        "hidden_states": GETBlock,
        "attentions": OutputRecorder(GETAttention, index=1, layer_name="time_attention"),
    }

    def __init__(self, config: GETConfig, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        self.model_tags = [*self.model_tags]  # transformers adds the tags of one model to it

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, output_loading_info: bool = False, **kwargs):
        """Loads a model like transformers, but only from a complete checkpoint of this model, in safetensors.

        If weights are missing, transformers only warns, and uses random weights. Here missing weights are an error,
        except for the layers that only a classifier has. Weights of heads that this class does not have are ignored.
        The files are checked first, see `check_files`. With `output_loading_info`, nothing is checked, and the names
        of missing weights are returned with the model.

        Raises:
            ValueError: A file is missing, damaged or invalid. Or weights are missing, have another shape, or are
                unknown to this class. Or the feature extractor in the same place prepares other inputs than this
                model needs.
        """
        checkpoint = pretrained_model_name_or_path
        if checkpoint is not None and _holds_only_changes(checkpoint):
            return cls._from_changes(Path(checkpoint), kwargs)
        if kwargs.get("use_safetensors") is None:
            kwargs["use_safetensors"] = True  # other kinds of weights can run code
        if checkpoint is not None and not output_loading_info:
            cls._check_before_loading(checkpoint, kwargs)
        model, info = super().from_pretrained(checkpoint, *args, output_loading_info=True, **kwargs)
        if output_loading_info:
            return model, info
        absent = info["missing_keys"] | {name for name, *_ in info["mismatched_keys"]}
        absent = sorted(name for name in absent if not name.startswith(NEW))
        unknown = sorted(name for name in info["unexpected_keys"] if not model._is_of_another_head(name))
        if checkpoint is not None and (absent or unknown):
            name = cls.__name__
            faults = [f"lacks weights of {name}, or has them in another shape: {_some(absent)}"] if absent else []
            faults += [f"holds weights that {name} does not have: {_some(unknown)}"] if unknown else []
            raise ValueError(
                f"{checkpoint} {'; and '.join(faults)}. Load a complete checkpoint of this class; "
                "output_loading_info=True loads what is there."
            )
        if checkpoint is not None:
            model.config.check_extractor(_extractor_beside(checkpoint, _place(kwargs)))
        return model

    @classmethod
    def _from_changes(cls, folder: Path, kwargs: dict) -> Any:
        """Loads a model that was saved as low-rank changes of another checkpoint, and merges both.

        Raises:
            ImportError: peft is not installed.
            ValueError: The changes do not name the other checkpoint.
        """
        try:
            from peft import PeftModel
        except ImportError as error:
            raise ImportError(f"{folder} holds low-rank changes, which need peft: pip install peft.") from error
        base = read_object(folder / ADAPTER / ADAPTER_CONFIG).get("base_model_name_or_path")
        if not base:
            raise ValueError(f"{ADAPTER_CONFIG} of {folder} names no base: load the base, then the changes with peft.")
        if (folder / base).is_dir():  # shipped beside each other
            base = folder / base
        config = kwargs.pop("config", None) or cls.config_class.from_pretrained(folder)
        verbosity = logging.get_verbosity()
        logging.set_verbosity_error()  # the head is missing from the base, and is among the changes
        try:
            model = cls.from_pretrained(base, config=config, **kwargs)
        finally:
            logging.set_verbosity(verbosity)
        return PeftModel.from_pretrained(model, folder / ADAPTER).merge_and_unload()

    @classmethod
    def _check_before_loading(cls, checkpoint: str | os.PathLike, kwargs: dict) -> None:
        """Checks, before memory is allocated, that a checkpoint is complete and its configuration fits the weights."""
        if not kwargs["use_safetensors"] or kwargs.get("gguf_file") or os.path.isfile(checkpoint):
            return
        # the revision is fixed, so that the checked files are loaded even if somebody pushes new files meanwhile
        given = {name: kwargs.get(name) for name in ("revision", "token", "cache_dir")}
        kwargs["revision"] = resolve_revision(
            checkpoint, **given, local_files_only=bool(kwargs.get("local_files_only"))
        )
        generates = cls.can_generate() and kwargs.get("generation_config") is None
        size = check_files(checkpoint, _place(kwargs), generates, kwargs.get("variant"))
        if size is None:
            return
        config = kwargs.get("config")
        if not isinstance(config, PreTrainedConfig):
            config = cls.config_class.from_pretrained(config or checkpoint, **_place(kwargs))
        n_parameters = _least_parameters(config, cls.can_generate())
        if n_parameters > LARGEST_GROWTH * size:
            raise ValueError(
                f"The configuration of {checkpoint} asks for over {n_parameters:,} parameters, and its weights "
                f"have {size:,} bytes: take both from one checkpoint."
            )

    def _is_of_another_head(self, name: str) -> bool:
        """Whether a weight belongs to a head that this class does not have."""
        head = name.partition(".")[0]
        return head in HEADS and not hasattr(self, head)

    def save_pretrained(self, save_directory, is_main_process: bool = True, *args, **kwargs):
        """Saves a model as transformers does; if its code is saved too, its pipelines are as well.

        At the end, a list of the files with hashes of the weights is written; see `check_files`.

        References to code in the configuration are replaced. After loading, they may point to another repository, or
        to the class of the checkpoint from which this model was loaded.
        """
        for name in ("auto_map", "custom_pipelines"):
            self.config.__dict__.pop(name, None)
        if self._auto_class is not None:
            tasks = [(*PIPELINES[self._auto_class], self._auto_class), (*FEATURES, CLASSIFIER)]
            self.config.custom_pipelines = {
                task: {"impl": f"{made.__module__.rpartition('.')[2]}.{made.__name__}", "pt": [loader], "type": "time"}
                for task, made, loader in tasks
            }
            # each model can be turned into a classifier
            self.config.auto_map = {CLASSIFIER: "modeling_get.GETForSequenceClassification"}
        wrapped = type(self)
        if wrapped.__name__.startswith("FSDP"):
            # the Trainer's FSDP gives a model a subclass, whose code would be saved instead of the model's
            self.__class__ = wrapped.__bases__[-1]
        try:
            super().save_pretrained(save_directory, is_main_process, *args, **kwargs)
        finally:
            self.__class__ = wrapped
        if self.should_save_on_this_rank(is_main_process):
            list_files(save_directory)

    def _upload_modified_files(self, working_dir, repo_id, *args, **kwargs):
        # called by push_to_hub, and by save_pretrained(push_to_hub=True) before it returns
        list_files(working_dir)
        complete_card(Path(working_dir) / CARD, repo_id, self.config)
        return super()._upload_modified_files(working_dir, repo_id, *args, **kwargs)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module):
        super()._init_weights(module)
        if isinstance(module, GETZeroLinear):
            init.zeros_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, GETPooling):
            init.zeros_(module.mean)
            init.ones_(module.deviation)


def _holds_only_changes(checkpoint: str | os.PathLike) -> bool:
    """Whether a folder holds low-rank changes of another checkpoint, and no complete weights."""
    folder = Path(checkpoint)
    return (folder / ADAPTER / ADAPTER_CONFIG).is_file() and not (folder / SAFE_WEIGHTS_NAME).is_file()


def _some(names: list[str]) -> str:
    """Joins names for a message; after the first five, only the number of the others follows."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _least_parameters(config: GETConfig, generates: bool) -> int:
    """Computes, without allocating them, the number of parameters in the matrices that depend on the configuration."""
    width, flow_width = config.hidden_size, config.flow_hidden_size
    count = config.num_hidden_layers * width * (8 * width + 3 * config.intermediate_size)
    count += width * (config.patch_size + config.num_calibration_features + config.num_conditions + config.num_labels)
    if generates:
        count += config.flow_num_layers * flow_width * (10 * flow_width + 3 * config.flow_intermediate_size)
    return count


def _place(kwargs: dict) -> dict:
    """Returns the arguments of `from_pretrained` that locate a checkpoint."""
    return {name: kwargs[name] for name in PLACE if name in kwargs}


def _extractor_beside(checkpoint: str | os.PathLike, place: dict) -> dict:
    """Reads the feature extractor's settings from the place of a checkpoint; empty if there are none."""
    file = cached_file(
        checkpoint,
        FEATURE_EXTRACTOR_NAME,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        **place,
    )
    return {} if file is None else read_object(file)
