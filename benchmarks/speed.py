# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""How fast GET generates and trains: ratios that are measured in one run, on the same machine.

    python benchmarks/speed.py --json speed.json
    python benchmarks/speed.py --part streams --part hour

The parts:

- `streams`: seconds of EEG per second of time, over all streams, for several numbers of streams and channels; for the
  larger batches in bfloat16, too; and for one stream that is decoded to microvolts while it is generated.
- `ways`: one stream of 20 channels with other numbers of flow steps, in bfloat16, with eager attention, with a
  compiled flow head, and by the exported step in ONNX Runtime; speed over the speed of the default.
- `hour`: duration of a patch after an hour of one stream over the duration in its first minute, and growth of memory.
- `others`: speed over the speed of a vector autoregression, and of PatchTST, a forecaster of transformers with as many
  parameters, which forecasts each channel by itself.
- `training`: tokens per second of a training step over those of a decoder of transformers (Llama) with as many
  parameters and tokens, in the same Trainer. Both use eager attention, as the recipes do on CPUs, because the backward
  pass of PyTorch's fused attention is slow there in bfloat16.

Each ratio is of medians, and what is compared is timed in turn, so that other work on the machine slows both.
"""

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PatchTSTConfig,
    PatchTSTForPrediction,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.generation.streamers import BaseStreamer
from transformers.utils import logging

from get_hf import GETModel, export_step, load_pretrained
from get_hf.processing.features_get import EEGFeatures
from get_hf.processing.montage_get import USUAL_CHANNELS
from get_hf.training.data.provenance import provenance
from get_hf.training.evaluation.baselines import VAR

#: Numbers of streams and of channels.
STREAMS, CHANNELS = (1, 16, 64), (1, 20, 64)
#: Channels of single streams.
N_CHANS = 20
#: Seconds of context of PatchTST and of the crops in training.
CONTEXT_SECONDS = 8.0
#: Crops in a training batch, and their channels.
N_CROPS, CROP_CHANNELS = 8, 16


def montage(n_chans: int) -> list[str]:
    """Names of channels: those of the usual montage, or as many of the 10-10 system."""
    names = list(USUAL_CHANNELS)
    if n_chans > len(names):
        import mne

        names = [name for name in mne.channels.make_standard_montage("standard_1005").ch_names if name[-1] != "h"]
    return names[:n_chans]


def in_turn(ways: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median time of each way in seconds; the first call of each does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if repeat:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def generating(model: GETModel, features: EEGFeatures, seconds: float, **options: Any) -> Callable[[], None]:
    """A function that generates some seconds, always the same ones."""

    def way() -> None:
        model.generate(**features, seconds=seconds, generator=torch.Generator().manual_seed(0), **options)

    return way


def stepping(model: GETModel, features: EEGFeatures, seconds: float) -> Callable[[], None]:
    """A function that generates some seconds by the exported step, with as many threads as torch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        n_streams, n_channels, _ = features["channel_positions"].shape
        path = export_step(model, Path(folder) / "step.onnx", n_channels, n_streams)
        session = onnxruntime.InferenceSession(path, options)
    first = {entry.name: np.zeros(entry.shape, np.float32) for entry in session.get_inputs()}
    first |= {name: features[name].numpy() for name in ("channel_positions", "calibration")}
    first |= {"condition_ids": features["condition_ids"][:, :1].numpy(), "length": np.zeros((), np.int64)}
    n_patches = round(seconds * model.config.sampling_rate / model.config.patch_size)

    def way() -> None:
        state, rng = dict(first), np.random.default_rng(0)
        for _ in range(n_patches):
            for name in ("noise", "modulation_noise"):
                state[name] = rng.standard_normal(state[name].shape, np.float32)
            _, state["patch"], state["cache"], state["length"] = session.run(None, state)

    return way


def streams(seconds: float, repeats: int) -> dict[str, float]:
    """Seconds of EEG per second, over all streams."""
    model, extractor = load_pretrained()
    halved = load_pretrained()[0].to(torch.bfloat16)
    rows = {}
    for n_streams in STREAMS:
        for n_chans in CHANNELS:
            features = extractor(ch_names=montage(n_chans), condition="eyes_open", person=range(n_streams))
            # the largest batches are as fast from the first second on
            own = max(2.0, seconds / (n_streams * n_chans) ** 0.5)
            precisions = {"": model} if n_streams == 1 else {"": model, ", bfloat16": halved}
            took = in_turn({name: generating(each, features, own) for name, each in precisions.items()}, repeats)
            for name, value in took.items():
                rows[f"{n_streams} streams of {n_chans} channels{name}"] = n_streams * own / value
    features = extractor(ch_names=montage(N_CHANS), condition="eyes_open", sampling_rate=250.0)

    def decoded() -> None:
        streamer = extractor.streamer(features, lambda signals: None)
        generating(model, features, seconds, streamer=streamer)()

    rows[f"1 stream of {N_CHANS} channels, decoded to microvolts at 250 Hz"] = (
        seconds / in_turn({"way": decoded}, repeats)["way"]
    )
    return rows


def ways(seconds: float, repeats: int) -> dict[str, float]:
    """Speed of one stream over the speed of the default."""
    model, extractor = load_pretrained()
    features = extractor(ch_names=montage(N_CHANS), condition="eyes_open")
    default = model.generation_config.num_flow_steps
    own = {"default": generating(model, features, seconds)}
    for n_steps in (1, 2, 6):
        own[f"{n_steps} steps of the flow (default {default})"] = generating(
            model, features, seconds, num_flow_steps=n_steps
        )
    own["bfloat16"] = generating(load_pretrained()[0].to(torch.bfloat16), features, seconds)
    eager = load_pretrained()[0]
    eager.set_attn_implementation("eager")
    own["eager attention"] = generating(eager, features, seconds)
    compiled = load_pretrained()[0]
    compiled.flow_head.velocity = torch.compile(compiled.flow_head.velocity, dynamic=False)
    own["compiled flow head"] = generating(compiled, features, seconds)
    if find_spec("onnxruntime") is not None:
        own["the exported step in ONNX Runtime"] = stepping(model, features, seconds)
    took = in_turn(own, repeats)
    return {name: took["default"] / value for name, value in took.items() if name != "default"}


class Clock(BaseStreamer):
    """Streamer that notes when each patch arrives, and how much memory the process then uses."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.bytes: list[int] = []

    def put(self, value: torch.Tensor) -> None:
        """Notes the arrival of a patch."""
        self.times.append(time.perf_counter())
        self.bytes.append(psutil.Process().memory_info().rss)

    def end(self) -> None:
        """The stream has ended."""


def hour(minutes: float) -> dict[str, float]:
    """Duration of patches and memory in the last minute over the first."""
    model, extractor = load_pretrained()
    features = extractor(ch_names=montage(N_CHANS), condition="eyes_open")
    clock = Clock()
    generating(model, features, 60 * minutes, streamer=clock, keep_sequence=False)()
    took = np.diff(clock.times)
    minute = round(60 * model.config.sampling_rate / model.config.patch_size)
    return {
        f"duration of a patch in minute {minutes:g} over minute 1": float(
            np.median(took[-minute:]) / np.median(took[1 : 1 + minute])
        ),
        f"memory in minute {minutes:g} over minute 1": clock.bytes[-1]
        / clock.bytes[min(minute, len(clock.bytes) - 1)],
    }


def sized(make: Callable[[int], torch.nn.Module], n_parameters: int) -> torch.nn.Module:
    """The model of a family whose number of parameters is nearest to a number; its width is a multiple of 16."""
    models = {width: make(width) for width in range(64, 385, 16)}
    sizes = {width: sum(p.numel() for p in model.parameters()) for width, model in models.items()}
    return models[min(sizes, key=lambda width: abs(sizes[width] - n_parameters))].eval()


def others(seconds: float, repeats: int) -> dict[str, float]:
    """Speed of one stream over the speed of other generators of as many channels."""
    model, extractor = load_pretrained()
    features = extractor(ch_names=montage(N_CHANS), condition="eyes_open")
    rate, patch = model.config.sampling_rate, model.config.patch_size
    n_context, n_patches = round(CONTEXT_SECONDS * rate), round(seconds * rate / patch)

    def make(width: int) -> torch.nn.Module:
        return PatchTSTForPrediction(
            PatchTSTConfig(
                num_input_channels=1, context_length=n_context, patch_length=patch, patch_stride=patch,
                prediction_length=patch, d_model=width, num_attention_heads=4, ffn_dim=3 * width, num_hidden_layers=4,
            )
        )  # fmt: skip

    forecaster = sized(make, model.num_parameters())
    noise = np.random.default_rng(0).standard_normal((N_CHANS, 6000))
    var = VAR.fit([noise])

    @torch.no_grad()
    def forecast() -> None:
        signal = torch.randn(N_CHANS, n_context, 1)
        for _ in range(n_patches):
            mean = forecaster(past_values=signal).prediction_outputs
            signal = torch.cat((signal[:, patch:], mean + torch.randn_like(mean)), dim=1)

    took = in_turn(
        {
            "GET": generating(model, features, seconds),
            "PatchTST": forecast,
            "VAR": lambda: var.simulate(noise[None], round(seconds * rate), np.random.default_rng(0)),
        },
        repeats,
    )
    return {f"GET over {name}": value / took["GET"] for name, value in took.items() if name != "GET"}


class Steps(TrainerCallback):
    """Notes how long each step of a training takes, without its data."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *args, **kwargs) -> None:
        """A step begins."""
        self._began = time.perf_counter()

    def on_step_end(self, *args, **kwargs) -> None:
        """A step has ended."""
        self.seconds.append(time.perf_counter() - self._began)


def step_seconds(model: torch.nn.Module, rows: list[dict[str, torch.Tensor]], batch_size: int, steps: int) -> float:
    """Median duration of a training step in the Trainer, in bfloat16."""
    clock = Steps()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=batch_size, bf16=True, use_cpu=True,
            report_to="none", save_strategy="no", logging_strategy="no", disable_tqdm=True, learning_rate=1e-4,
        )  # fmt: skip
        Trainer(model, arguments, train_dataset=rows * batch_size, callbacks=[clock]).train()
    return statistics.median(clock.seconds[2:])


def training(steps: int) -> dict[str, float]:
    """Tokens per second of a training step over a decoder of transformers."""
    model, extractor = load_pretrained()
    model.set_attn_implementation("eager")
    n_patches = round(CONTEXT_SECONDS * model.config.sampling_rate / model.config.patch_size)
    features = extractor(ch_names=montage(CROP_CHANNELS), condition="eyes_open")
    signal = torch.randn(CROP_CHANNELS, n_patches * model.config.patch_size)
    crop = {
        "input_values": signal,
        "labels": signal,
        "channel_positions": features["channel_positions"][0],
        "channel_mask": torch.ones(CROP_CHANNELS, dtype=torch.long),
    }

    def make(width: int) -> torch.nn.Module:
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=256, hidden_size=width, intermediate_size=3 * width, num_hidden_layers=8,
                num_attention_heads=4, head_dim=width // 4, attn_implementation="eager",
            )
        )  # fmt: skip

    decoder = sized(make, model.num_parameters())
    tokens = torch.randint(0, 256, (n_patches,))
    rounds = [
        step_seconds(decoder, [{"input_ids": tokens, "labels": tokens}], N_CROPS * CROP_CHANNELS, steps)
        / step_seconds(model, [crop], N_CROPS, steps)
        for _ in range(3)
    ]
    return {
        f"tokens per second over a decoder of transformers ({decoder.num_parameters() / 1e6:.1f} and "
        f"{model.num_parameters() / 1e6:.1f} million parameters)": statistics.median(rounds)
    }


def main() -> None:
    """Measures the parts, prints a table, and writes JSON where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=("streams", "ways", "hour", "others", "training"))
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of EEG to generate each time")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the long stream")
    parser.add_argument("--steps", type=int, default=8, help="training steps to time in each of three rounds")
    parser.add_argument("--repeats", type=int, default=3, help="how often each way is timed")
    parser.add_argument("--json", type=Path, help="file to write")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable_progress_bar()
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "streams": lambda: streams(options.seconds, options.repeats),
        "ways": lambda: ways(options.seconds, options.repeats),
        "hour": lambda: hour(options.minutes),
        "others": lambda: others(options.seconds, options.repeats),
        "training": lambda: training(options.steps),
    }
    rows: dict[str, dict[str, float]] = {}
    for part in options.part or parts:
        rows[part] = parts[part]()
        for name, value in rows[part].items():
            print(f"{part}: {name}: {value:.3g}", flush=True)
    if options.json:
        report = {"about": provenance(threads=torch.get_num_threads()), "rows": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
