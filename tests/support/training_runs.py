# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The smallest training run, and what to ask of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

RECIPE = {
    "corpus": "eegmmidb",
    "fit_segments": 10,
    "validation_crops": 8,
    "crop_seconds": 3.0,
    "max_channels": 4,
    "same_montage_size": 2,
    "model": {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "flow_hidden_size": 16,
        "flow_num_layers": 1,
        "flow_intermediate_size": 32,
    },
    "average_decay": 0.8,
    "generation": {"num_flow_steps": 2, "burst_correlation": 0.1},
    "max_steps": 8,
    "per_device_train_batch_size": 4,
    "learning_rate": 3e-3,
    "lr_scheduler_type": "cosine",
    "logging_steps": 1,
    "save_steps": 3,
    "eval_strategy": "steps",
    "eval_steps": 4,
    "disable_tqdm": True,
    "use_cpu": True,
    "seed": 7,
}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, data_dir, cache_dir, prepared) -> Path:
    """The recipe of the smallest run, in a file."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    folders = {"data_dir": str(data_dir), "cache_dir": str(cache_dir), "output_dir": str(path.parent / "out")}
    path.write_text(yaml.safe_dump(RECIPE | folders))
    return path


@pytest.fixture(scope="module")
def finished(recipe) -> Path:
    """The folder of that run, from beginning to end."""
    from get_hf.training.pretraining.run import run

    return run(recipe)


def losses(folder: Path, key: str = "loss") -> list[float]:
    """What a run logged under a key."""
    log = json.loads((folder / "training_summary.json").read_text())["log"]
    return [entry[key] for entry in log if key in entry]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights in a folder."""
    return load_file(folder / "model.safetensors")


def launch(tmp_path: Path, code: str, *launcher: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs code in a process of its own, or in those that a launcher starts."""
    script = tmp_path / "script.py"
    script.write_text(code)
    command = [sys.executable, *launcher, str(script)]
    env = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, env=env)
