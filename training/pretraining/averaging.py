# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Averages the weights over training; the evaluation and the result of a run use the averaged weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel, TrainerCallback
from transformers.utils import logging as transformers_logging

#: Folder of the averaged model inside a checkpoint of the Trainer; `from_pretrained` loads it.
FOLDER = "averaged"


@contextmanager
def without_bars() -> Iterator[None]:
    """Hides the progress bars of transformers inside the context: saving a small model needs no progress bar."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


class AveragedWeights(TrainerCallback):
    """Exponential moving average of the parameters (Polyak & Juditsky 1992), with a warm-up of the decay.

        average <- d average + (1 - d) parameters,    d = min(decay, (1 + step) / (10 + step))

    The average is stored like the parameters: on their device, and divided among the processes if they are (FSDP). It
    is saved in each checkpoint as a separate model. If training continues from a checkpoint, the average is restored
    exactly.

    Args:
        model: The model in training. The average starts from its current parameters.
        decay: Value of d after the warm-up.
    """

    def __init__(self, model: PreTrainedModel, decay: float):
        self.model = model
        self.decay = decay
        self.average = {name: value.clone() for name, value in model.state_dict().items()}

    def on_train_begin(self, args, state, control, **kwargs):
        """Stores the average like the parameters, which the Trainer has moved or divided."""
        for name, value in self.model.state_dict().items():
            self.average[name] = _placed_like(self.average[name], value)

    @torch.no_grad()
    def on_step_end(self, args, state, control, **kwargs):
        """Updates the average after an optimizer step."""
        decay = min(self.decay, (1 + state.global_step) / (10 + state.global_step))
        torch._foreach_lerp_([*self.average.values()], [*self.model.state_dict().values()], 1 - decay)

    def restore(self, checkpoint: str | Path) -> None:
        """Reads the average from a checkpoint of the Trainer.

        Raises:
            ValueError: The checkpoint holds no average, or an average of another model.
        """
        file = Path(checkpoint) / FOLDER / "model.safetensors"
        if not file.is_file():
            raise ValueError(
                f"{checkpoint} holds no averaged weights, {FOLDER}/{file.name}: continue from a checkpoint that "
                "get-hf pretrain wrote."
            )
        found = load_file(file)
        if missing := self.average.keys() - found.keys():
            raise ValueError(f"{file} lacks {len(missing)} parameters of this model, such as {min(missing)}.")
        self.average = {name: found[name] for name in self.average}

    def gather(self) -> dict[str, torch.Tensor]:
        """Returns the whole average by name. If it is divided among processes, all of them must call this together.

        Raises:
            FloatingPointError: Some weights are not finite.
        """
        whole = gathered(self.average)
        if broken := [name for name, value in whole.items() if not torch.isfinite(value).all()]:
            raise FloatingPointError(
                f"Training has diverged, {len(broken)} parameters such as {broken[0]} are not finite: lower "
                "learning_rate or lengthen warmup_steps, and go on from an earlier checkpoint."
            )
        return whole

    @contextmanager
    def in_place(self) -> Iterator[nn.Module]:
        """Replaces the model's weights by the averaged weights inside the context."""
        own = deepcopy(self.model.state_dict())
        try:
            self.model.load_state_dict(self.average)
            yield self.model
        finally:
            self.model.load_state_dict(own)


def gathered(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Returns whole weights on the CPU. If they are divided among processes, all of them must call this together."""
    whole = ((name, value.full_tensor() if isinstance(value, DTensor) else value) for name, value in weights.items())
    return {name: value.cpu() for name, value in whole}


def _placed_like(tensor: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Moves a tensor to the device of another; if the other is divided among processes, divides it in the same way."""
    tensor = tensor.to(other.device)
    if not isinstance(other, DTensor) or isinstance(tensor, DTensor):
        return tensor
    return distribute_tensor(tensor, other.device_mesh, other.placements)
