# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""One optimizer that uses Muon for matrices inside blocks and AdamW for all other parameters.

The Trainer schedules and saves it like any other optimizer.
"""

from typing import Any

import torch
from torch import nn


class MuonWithAdamW(torch.optim.Optimizer):
    """Optimizer with Muon (Jordan et al. 2024) for matrices inside blocks, and AdamW for all other parameters.

    The steps of Muon are scaled to the size of AdamW's steps (Liu et al. 2025, "Muon is scalable for LLM training").
    So both use the same learning rate and the same schedule.

    Args:
        model: The model to train. Muon trains the matrices inside `nn.ModuleList`s (the blocks), which map hidden
            states to hidden states. AdamW trains embeddings, readouts and vectors.
        lr: Learning rate of Muon and AdamW.
        weight_decay: Weight decay of matrices. Vectors (norms, biases) have no weight decay.
        betas: AdamW's betas.
        eps: AdamW's epsilon.
        momentum: Muon's momentum.
    """

    def __init__(
        self,
        model: nn.Module,
        lr: float,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        momentum: float = 0.95,
    ):
        blocks = [name for name, module in model.named_modules() if isinstance(module, nn.ModuleList)]
        parameters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        inside = {name for name in parameters if any(name.startswith(f"{block}.") for block in blocks)}
        matrices = [p for name, p in parameters.items() if p.ndim == 2 and name in inside]
        others = [p for name, p in parameters.items() if p.ndim > 1 and not (p.ndim == 2 and name in inside)]
        vectors = [p for p in parameters.values() if p.ndim <= 1]
        groups = [{"params": others, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.parts = [
            torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps),
            torch.optim.Muon(
                matrices, lr=lr, weight_decay=weight_decay, momentum=momentum, adjust_lr_fn="match_rms_adamw"
            ),
        ]
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        # Muon and AdamW must use the same group objects that the schedule changes
        self._share_groups()

    def step(self, closure=None) -> None:  # type: ignore[override]
        """Makes one step of Muon and one step of AdamW."""
        for part in self.parts:
            part.step(closure)

    def state_dict(self) -> dict[str, Any]:
        """Returns the states of AdamW and Muon."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the states that `state_dict` returned."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()

    def _share_groups(self) -> None:
        self.param_groups = [group for part in self.parts for group in part.param_groups]
