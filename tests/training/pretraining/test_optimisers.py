# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import copy

import torch

from get_hf.training.pretraining.optimisers import MuonWithAdamW
from tiny import tiny_inputs, tiny_model


def steps(model, optimizer, n_steps: int) -> list[float]:
    losses = []
    for seed in range(n_steps):
        torch.manual_seed(seed)
        inputs = tiny_inputs(n_batch=4, n_patches=8)
        loss = model(**inputs, labels=inputs["input_values"]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_matrices_inside_blocks_go_to_muon_and_all_else_to_adamw():
    model = tiny_model()
    adamw, muon = MuonWithAdamW(model, lr=1e-3, weight_decay=0.1).parts
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    by_muon = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    by_adamw = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert by_muon | by_adamw == set(names.values())
    assert not by_muon & by_adamw
    assert "backbone.layers.0.mlp.down_proj.weight" in by_muon
    assert "flow_head.blocks.1.channel_attention.qkv_proj.weight" in by_muon
    assert {"backbone.patch_embedding.weight", "flow_head.out_proj.weight", "backbone.norm.weight"} <= by_adamw
    undecayed = {names[id(p)] for group in adamw.param_groups if not group["weight_decay"] for p in group["params"]}
    assert undecayed == {name for name, p in model.named_parameters() if p.ndim == 1}


def test_it_learns_and_follows_the_schedule():
    model = tiny_model().train()
    optimizer = MuonWithAdamW(model, lr=3e-3)
    losses = steps(model, optimizer, 30)
    assert losses[-1] < 0.8 * losses[0]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    assert all(group["lr"] == 0 for part in optimizer.parts for group in part.param_groups)
    before = copy.deepcopy(model.state_dict())
    steps(model, optimizer, 1)
    schedule.step()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_it_continues_from_its_state_without_a_difference(tmp_path):
    model = tiny_model().train()
    optimizer = MuonWithAdamW(model, lr=3e-3, weight_decay=0.1)
    steps(model, optimizer, 3)
    resumed = copy.deepcopy(model)
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    again = MuonWithAdamW(resumed, lr=1.0)
    again.load_state_dict(torch.load(tmp_path / "optimizer.pt"))
    assert steps(model, optimizer, 3) == steps(resumed, again, 3)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), resumed.parameters(), strict=True))
