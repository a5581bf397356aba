# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Exports one step of generation as a program that runs without this package.

The program reads the last patch, and draws the next patch of all channels. It consists of the layers of the model, and
of the same step as the loop of `generate`. Its shapes are fixed, because attention over time sees only
`config.sliding_window` patches.
"""

from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.cache_utils import Cache, DynamicLayer
from transformers.generation import GenerationConfig

from get_hf.modeling.configuration_get import is_number
from get_hf.modeling.modeling_get import GETModel
from get_hf.modeling.modulation_get import N_COSINES
from get_hf.modeling.options_get import OWN_OPTIONS
from get_hf.outputs import check_file

#: Options of `generate` that can be fixed in the program.
OPTIONS = ("do_sample", "temperature", *OWN_OPTIONS)
#: Names of the outputs of the program. The next step takes all but the first.
OUTPUTS = ("signal", "next_patch", "next_cache", "next_length")
SUFFIXES = (".pt2", ".onnx")


class WindowLayer(DynamicLayer):
    """Keys and values of one layer in a window of fixed length; the newest are last, and unused places are zero.

    Args:
        keys: Keys of all patches of the window except the present one, `(rows, heads, sliding_window - 1, head_dim)`.
        values: Values, of the same shape.
        length: Number of patches that the model has read so far, a tensor without axes.
    """

    is_sliding = True

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, length: torch.Tensor):
        super().__init__()
        self.keys, self.values, self.length, self.is_initialized = keys, values, length, True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Adds one patch, forgets the oldest, and returns the keys and values of the whole window."""
        keys, values = super().update(key_states, value_states)
        self.keys, self.values = keys[:, :, 1:], values[:, :, 1:]
        return keys, values

    def get_seq_length(self) -> torch.Tensor:
        """Returns the number of patches that were read before."""
        return self.length


class GETStep(nn.Module):
    """One step of generation, without state of its own: the cache is an input and an output.

    Args:
        model: The model.
        options: Options of `generate`, which the step does not change.
    """

    def __init__(self, model: GETModel, options: GenerationConfig):
        super().__init__()
        self.model = model
        self.options = options
        with torch.no_grad():
            self.schedule = model.flow_head.schedule(options.num_flow_steps)

    def forward(
        self,
        patch: torch.Tensor,
        channel_positions: torch.Tensor,
        calibration: torch.Tensor,
        condition_ids: torch.Tensor,
        noise: torch.Tensor,
        modulation_noise: torch.Tensor,
        cache: torch.Tensor,
        length: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Reads one patch, and draws the next patch; see `export_step`."""
        window = self.model.config.sliding_window
        layers = [WindowLayer(keys, values, length) for keys, values in cache.flatten(2, 3)]
        # numbers instead of booleans: every implementation of attention adds them
        unread = torch.arange(window, device=patch.device) < window - 1 - length
        mask = torch.zeros(window, dtype=patch.dtype, device=patch.device).masked_fill(
            unread, torch.finfo(patch.dtype).min
        )
        states = self.model.backbone(
            patch,
            channel_positions,
            attention_mask=mask.expand(len(patch), 1, 1, -1),
            calibration=calibration,
            condition_ids=condition_ids,
            past_key_values=Cache(layers=layers),
            use_cache=True,
        ).last_hidden_state
        scale = self.model.noise_scale(self.options)
        next_patch, signal = self.model.draw_patch(
            states[:, :, -1], scale * noise, modulation_noise, self.options, schedule=self.schedule
        )
        read = torch.stack([torch.stack((layer.keys, layer.values)) for layer in layers])
        return signal, next_patch, read.view_as(cache), length + 1

    def first_inputs(self, n_streams: int, n_channels: int) -> dict[str, torch.Tensor]:
        """Returns inputs of the first step, before which nothing was read; the condition is unknown."""
        config, like = self.model.config, next(self.model.parameters())
        rows = (n_streams, n_channels)
        shapes = {
            "patch": (*rows, config.patch_size),
            "channel_positions": (*rows, 6),
            "calibration": (*rows, config.num_calibration_features),
            "condition_ids": (n_streams, 1),
            "noise": (*rows, config.flow_size),
            "modulation_noise": (n_streams, n_channels + 1, N_COSINES),
            "cache": (
                config.num_hidden_layers,
                2,
                *rows,
                config.num_attention_heads,
                config.sliding_window - 1,
                config.head_dim,
            ),
            "length": (),
        }
        inputs = {name: like.new_zeros(shape) for name, shape in shapes.items()}
        return inputs | {name: inputs[name].long() for name in ("condition_ids", "length")}


def export_step(model: GETModel, path: str | Path, n_channels: int, n_streams: int = 1, **options: Any) -> Path:
    """Exports one step of generation as a program that needs neither this package nor transformers.

    `torch.export.load` reads a `.pt2` file, and ONNX Runtime reads an `.onnx` file. The program has these inputs:

    - `patch`: the patch that the model reads, `(streams, channels, patch_size)`, in the innovation space. A stream
      without a prompt begins with zeros. A prompt is read patch by patch, and what is drawn meanwhile is not used.
    - `channel_positions`, `(streams, channels, 6)`, and `calibration`, `(streams, channels, calibration features)`:
      from `GETFeatureExtractor`.
    - `condition_ids`: the condition of the next patch, `(streams, 1)`.
    - `noise`: standard normal noise, `(streams, channels, flow_size)`.
    - `modulation_noise`: standard normal noise for the modulation, `(streams, channels + 1, 4)`.
    - `cache` and `length`: zeros in the first step, then the outputs of the step before.

    It returns a tuple of four tensors: `signal`, which is the next patch in the innovation space
    (`GETFeatureExtractor.decode` converts patches to microvolts); the `patch` of the next step, in which the amplitude
    is not modulated; and the `cache` and the `length` of the next step.

    Args:
        model: The model. Its device and its type of numbers are those of the program.
        path: File to write, `.pt2` or `.onnx`.
        n_channels: Number of channels. Any montage of so many channels is possible.
        n_streams: Number of streams that are generated together.
        **options: `do_sample`, `temperature`, `num_flow_steps`, `burst_correlation` and `modulation_depth` of
            `generate`. They are fixed in the program. The default of each is that of `model.generation_config`.

    Returns:
        `path`.

    Raises:
        ValueError: An argument is out of range, or the generation config asks for guidance.
        OSError: `path` cannot be written.
        ImportError: ONNX is not installed.

    Example:
        >>> import get_hf
        >>> model, _ = get_hf.load_pretrained()
        >>> get_hf.export_step(model, "step.pt2", n_channels=20)
    """
    path = check_file(path, SUFFIXES)
    if path.suffix.lower() == ".onnx" and find_spec("onnxscript") is None:
        raise ImportError('ONNX needs onnxscript: pip install "get-hf[onnx]".')
    for name, value in (("n_channels", n_channels), ("n_streams", n_streams)):
        if not (is_number(value, whole=True) and value >= 1):
            raise ValueError(f"{name} must be a whole number from 1 up, not {value!r}.")
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise ValueError(f"A step has no option {', '.join(unknown)}; it has {', '.join(OPTIONS)}.")
    config, _ = model._prepare_generation_config(None, **options)
    if config.guidance_scale != 1.0:
        raise ValueError(
            f"A step cannot be exported with guidance_scale {config.guidance_scale}, which needs a second stream "
            "without the condition: set it to 1."
        )
    step = GETStep(deepcopy(model).requires_grad_(False), config).eval()
    with torch.no_grad():
        program = torch.export.export(step, (), step.first_inputs(n_streams, n_channels))
    if path.suffix.lower() == ".pt2":
        torch.export.save(program, path)
    else:
        torch.onnx.export(program, (), path, dynamo=True, output_names=OUTPUTS, external_data=False, verbose=False)
    return path
