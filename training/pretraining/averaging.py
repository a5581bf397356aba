# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Averages the weights over training; the evaluation and the result of a run use the averaged weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
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

    The average is stored on the device of the parameters, and is the same on every process of DDP. It is saved in each
    checkpoint as a separate model. If training continues from a checkpoint, the average is restored exactly.

    Args:
        model: The model in training. The average starts from its current parameters.
        decay: Value of d after the warm-up.
    """

    def __init__(self, model: PreTrainedModel, decay: float):
        self.model = model
        self.decay = decay
        self.average = AveragedModel(model)
        self.average.n_averaged.fill_(1)  # with 0, the first step would replace the initial average

    def on_train_begin(self, args, state, control, **kwargs):
        """Moves the average to the parameters' device, which the Trainer has chosen."""
        self.average.to(next(self.model.parameters()).device)

    def on_step_end(self, args, state, control, **kwargs):
        """Updates the average after an optimizer step."""
        decay = min(self.decay, (1 + state.global_step) / (10 + state.global_step))
        self.average.multi_avg_fn = get_ema_multi_avg_fn(decay)
        self.average.update_parameters(self.model)

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
        if missing := self.average.module.load_state_dict(load_file(file), strict=False).missing_keys:
            raise ValueError(f"{file} lacks {len(missing)} parameters of this model, such as {min(missing)}.")

    def save(self, checkpoint: str | Path) -> None:
        """Writes the averaged model into a checkpoint of the Trainer."""
        with without_bars():
            self.average.module.save_pretrained(Path(checkpoint) / FOLDER)  # type: ignore[operator]

    def check(self) -> None:
        """Checks that all averaged weights are finite.

        Raises:
            FloatingPointError: Some weights are not finite.
        """
        parameters = self.average.module.named_parameters()
        if broken := [name for name, value in parameters if not torch.isfinite(value).all()]:
            raise FloatingPointError(
                f"Training has diverged, {len(broken)} parameters such as {broken[0]} are not finite: lower "
                "learning_rate or lengthen warmup_steps, and go on from an earlier checkpoint."
            )

    @contextmanager
    def in_place(self) -> Iterator[nn.Module]:
        """Replaces the model's weights by the averaged weights inside the context."""
        own = deepcopy(self.model.state_dict())
        try:
            self.copy_to_model()
            yield self.model
        finally:
            self.model.load_state_dict(own)

    def copy_to_model(self) -> None:
        """Replaces the model's weights by the averaged weights permanently.

        Raises:
            FloatingPointError: See `check`.
        """
        self.check()
        self.model.load_state_dict(self.average.module.state_dict())
