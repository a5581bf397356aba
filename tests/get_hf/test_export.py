# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""A step that is exported draws what `generate` draws, in a process that has neither this package nor transformers."""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from get_hf import GETModel, export_step
from get_hf.export import GETStep
from get_hf.modeling.modulation_get import N_COSINES
from get_hf.modeling.noise_get import PatchNoise
from tiny import PATCH, tiny_inputs, tiny_model

N_STREAMS, N_CHANS = 2, 3
#: More patches than the window has, so that old patches are forgotten.
N_NEW = 12
OPTIONS = {"temperature": 0.9, "num_flow_steps": 2, "burst_correlation": 0.2, "modulation_depth": 0.3}
#: Float rounding over twelve patches, each of which depends on those before it.
CLOSE = {"rtol": 1e-4, "atol": 1e-4}
#: Runs a step in a process where this package and transformers cannot be imported.
ELSEWHERE = """
import sys

import torch

sys.modules["get_hf"] = sys.modules["transformers"] = None
step = torch.export.load(sys.argv[1]).module()
torch.save([step(**inputs) for inputs in torch.load(sys.argv[2])], sys.argv[3])
"""


@pytest.fixture(scope="module")
def model() -> GETModel:
    return tiny_model()


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory) -> Path:
    """A step of the tiny model."""
    return export_step(model, tmp_path_factory.mktemp("step") / "step.pt2", N_CHANS, N_STREAMS, **OPTIONS)


def stepwise(step: Callable[..., tuple], first: dict[str, torch.Tensor], inputs: dict[str, torch.Tensor]):
    """Reads a prompt and continues it by single steps, with the noise of `generate`; also returns all inputs."""
    noise = PatchNoise(torch.empty(N_STREAMS, 0), torch.Generator().manual_seed(5))
    state = first | {name: inputs[name] for name in ("channel_positions", "calibration")}
    prompt = inputs["input_values"].split(PATCH, dim=-1)
    last = len(prompt) - 1
    signals, seen = [], []
    for index in range(last + N_NEW):
        state["condition_ids"] = inputs["condition_ids"][:, [min(index, last)]]
        if index <= last:
            state["patch"] = prompt[index]
        if is_new := index >= last:
            state["noise"] = noise.draw(N_CHANS, first["noise"].shape[-1])
            state["modulation_noise"] = noise.draw(N_CHANS, N_COSINES, n_shared=1)
        seen.append(dict(state))
        signal, state["patch"], state["cache"], state["length"] = step(**state)
        signals += [signal] if is_new else []
    return torch.cat(signals, dim=-1), seen


def continued(model: GETModel, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    made = model.generate(**inputs, max_new_tokens=N_NEW, generator=generator, **OPTIONS)
    return made[..., inputs["input_values"].shape[-1] :]


@pytest.mark.parametrize("n_prompt", [1, 6])  # the first patch is the start patch
def test_steps_draw_what_generate_draws(model, exported, n_prompt):
    program = torch.export.load(exported)
    inputs = tiny_inputs(N_STREAMS, N_CHANS, n_prompt)
    signal, _ = stepwise(program.module(), program.example_inputs[1], inputs)
    assert not signal.requires_grad
    torch.testing.assert_close(signal, continued(model, inputs), **CLOSE)


@pytest.mark.slow
def test_a_step_needs_nothing_but_torch(exported, tmp_path):
    program = torch.export.load(exported)
    _, seen = stepwise(program.module(), program.example_inputs[1], tiny_inputs(N_STREAMS, N_CHANS))
    torch.save(seen[-2:], tmp_path / "inputs.pt")
    command = [sys.executable, "-c", ELSEWHERE, exported, tmp_path / "inputs.pt", tmp_path / "outputs.pt"]
    subprocess.run(command, check=True, cwd=tmp_path)
    for inputs, outputs in zip(seen[-2:], torch.load(tmp_path / "outputs.pt"), strict=True):
        torch.testing.assert_close(outputs, program.module()(**inputs))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("onnxscript") is None, reason="onnxscript is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_onnx_draws_what_generate_draws(model, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    path = export_step(model, tmp_path / "step.onnx", N_CHANS, N_STREAMS, **OPTIONS)
    assert [file.name for file in tmp_path.iterdir()] == ["step.onnx"]
    session = runtime.InferenceSession(path)

    def step(**inputs: torch.Tensor) -> list[torch.Tensor]:
        outputs = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        return [torch.as_tensor(output) for output in outputs]

    inputs = tiny_inputs(N_STREAMS, N_CHANS)
    first = GETStep(model, model.generation_config).first_inputs(N_STREAMS, N_CHANS)
    torch.testing.assert_close(stepwise(step, first, inputs)[0], continued(model, inputs), **CLOSE)


def test_the_model_stays_as_it_was(exported, model):
    fresh = tiny_model().train()
    export_step(fresh, exported.with_name("other.pt2"), 1)
    assert fresh.training
    assert all(parameter.requires_grad for parameter in fresh.parameters())


def test_without_onnx_the_answer_says_what_to_install(model, tmp_path, monkeypatch):
    monkeypatch.setattr("get_hf.export.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"get-hf\[onnx\]"):
        export_step(model, tmp_path / "step.onnx", N_CHANS)
    assert not list(tmp_path.iterdir())


def test_guidance_is_refused(tmp_path):
    model = tiny_model()
    model.generation_config.guidance_scale = 2.0
    with pytest.raises(ValueError, match="guidance_scale 2"):
        export_step(model, tmp_path / "step.pt2", N_CHANS)
