# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Pretraining with weights that are divided among two processes gives what one process gives."""

import json
import shutil

import pytest
import torch

from get_hf.modeling.modeling_get import GETModel
from training_runs import launch, losses, weights

#: accelerate divides weights only on GPUs, and on CPUs takes DDP instead without a word. The rest is as on GPUs.
ON_CPU = """
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from torch.distributed.tensor import DTensor
from get_hf.training.pretraining import run as pretraining
begin = AcceleratorState.__init__
def __init__(self, *args, fsdp_plugin=None, **kwargs):
    begin(self, *args, fsdp_plugin=fsdp_plugin, **kwargs)
    if fsdp_plugin is not None:
        self.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        self.fsdp_plugin = fsdp_plugin
AcceleratorState.__init__ = __init__
class Watched(pretraining.AveragedWeights):
    def on_step_end(self, *args, **kwargs):
        super().on_step_end(*args, **kwargs)
        assert all(isinstance(each, DTensor) for each in [*self.model.parameters(), *self.average.values()])
pretraining.AveragedWeights = Watched
"""


@pytest.mark.slow
def test_two_processes_that_share_the_weights_have_the_losses_of_one_and_go_on(recipe, finished, tmp_path):
    out, resumed = tmp_path / "out", tmp_path / "resumed"
    for folder in (out, resumed):
        code = f"""{ON_CPU}
pretraining.run({str(recipe)!r}, output_dir={str(folder)!r}, per_device_train_batch_size=2, fsdp=True,
                resume_from_checkpoint=True)
"""
        done = launch(tmp_path, code, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
        assert done.returncode == 0, done.stderr[-2000:]
        for key in ("loss", "eval_loss", "grad_norm"):
            assert losses(folder, key) == pytest.approx(losses(finished, key), abs=1e-4)
        assert json.loads((folder / "training_summary.json").read_text())["world_size"] == 2
        for part in (".", "checkpoint-8", "checkpoint-8/averaged"):
            GETModel.from_pretrained(folder / part)
            saved, expected = weights(folder / part), weights(finished / part)
            assert saved.keys() == expected.keys()
            assert all(torch.allclose(saved[name], expected[name], atol=1e-4) for name in expected)
            code_beside, expected_code = (
                {file.name for file in (run / part).glob("*.py")} for run in (folder, finished)
            )
            assert code_beside == expected_code
            assert "FSDP" not in (folder / part / "config.json").read_text()
        if folder is out:
            shutil.copytree(out / "checkpoint-6", resumed / "checkpoint-6")
