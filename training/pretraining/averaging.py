# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Averages weights over training, for the evaluation and for the result of the run."""

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

#: Where, inside a checkpoint of the Trainer, the averaged model lies; `from_pretrained` loads it as it is.
FOLDER = "averaged"


@contextmanager
def without_bars() -> Iterator[None]:
    """Saving a small model is no work to show progress of."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


class AveragedWeights(TrainerCallback):
    """Exponential moving average of the parameters (Polyak & Juditsky 1992), its decay warmed up.

        average <- d average + (1 - d) parameters,    d = min(decay, (1 + step) / (10 + step))

    Kept on the parameters' device, the same on every process of DDP. A checkpoint holds it as a model of its own,
    which is also what resuming restores, exactly.

    Args:
        model: The model that is trained; the average starts from its parameters as they are.
        decay: Its d far from the beginning.
    """

    def __init__(self, model: PreTrainedModel, decay: float):
        self.model = model
        self.decay = decay
        self.average = AveragedModel(model)
        self.average.n_averaged.fill_(1)  # 0 would have the first step replace what the average starts from

    def on_train_begin(self, args, state, control, **kwargs):
        """Follows the parameters to the device that the Trainer has moved them to."""
        self.average.to(next(self.model.parameters()).device)

    def on_step_end(self, args, state, control, **kwargs):
        """Takes in the parameters after an optimizer step."""
        decay = min(self.decay, (1 + state.global_step) / (10 + state.global_step))
        self.average.multi_avg_fn = get_ema_multi_avg_fn(decay)
        self.average.update_parameters(self.model)

    def restore(self, checkpoint: str | Path) -> None:
        """Reads the average of a checkpoint of the Trainer.

        Raises:
            ValueError: The checkpoint holds none, or that of another model.
        """
        file = Path(checkpoint) / FOLDER / "model.safetensors"
        if not file.is_file():
            raise ValueError(f"{checkpoint} holds no averaged weights, {FOLDER}/{file.name}: it was not written here.")
        if missing := self.average.module.load_state_dict(load_file(file), strict=False).missing_keys:
            raise ValueError(f"{file} lacks {len(missing)} parameters of this model, such as {min(missing)}.")

    def save(self, checkpoint: str | Path) -> None:
        """Writes the averaged model into a checkpoint of the Trainer."""
        with without_bars():
            self.average.module.save_pretrained(Path(checkpoint) / FOLDER)  # type: ignore[operator]

    def check(self) -> None:
        """Refuses to hand over weights that nothing can be computed with.

        Raises:
            FloatingPointError: Some are not finite.
        """
        parameters = self.average.module.named_parameters()
        if broken := [name for name, value in parameters if not torch.isfinite(value).all()]:
            raise FloatingPointError(
                f"Training has diverged, {len(broken)} parameters such as {broken[0]} are not finite: lower "
                "learning_rate or lengthen warmup_steps, and go on from an earlier checkpoint."
            )

    @contextmanager
    def in_place(self) -> Iterator[nn.Module]:
        """The model with averaged weights for as long as the context lasts."""
        own = deepcopy(self.model.state_dict())
        try:
            self.copy_to_model()
            yield self.model
        finally:
            self.model.load_state_dict(own)

    def copy_to_model(self) -> None:
        """Replaces the model's weights by the averaged ones, for good.

        Raises:
            FloatingPointError: See `check`.
        """
        self.check()
        self.model.load_state_dict(self.average.module.state_dict())
