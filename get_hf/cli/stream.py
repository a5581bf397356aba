# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Defines `get-hf stream`."""

import math
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from get_hf.cli.checkpoint import Checkpoint, Device, load
from get_hf.cli.console import interruption, require_extra, stderr, stdout, tell
from get_hf.cli.recordings import Electrodes, PromptCondition, at_most_a_week, named_channels, voltage
from get_hf.live.amplifier import VirtualAmplifier
from get_hf.live.commands import Commands, parse_plan, read_lines
from get_hf.live.noise import AmplifierNoise
from get_hf.live.source import LiveSource
from get_hf.pretrained import CHECKPOINT
from get_hf.processing.loading import load_recording
from get_hf.processing.montage_get import USUAL_CHANNELS
from get_hf.processing.reading_get import CALIBRATION_SECONDS

#: Lateness in seconds from which the stream says that it cannot keep up.
LATE = 1.0
#: Lowest and highest sampling rate in Hz.
LEAST_RATE, LARGEST_RATE = 20.0, 20_000.0


def _rate(rate: float | None) -> float | None:
    """Checks the sampling rate."""
    if rate is not None and not LEAST_RATE <= rate <= LARGEST_RATE:
        raise typer.BadParameter(f"{rate:g} is no sampling rate from {LEAST_RATE:g} to {LARGEST_RATE:g} Hz.")
    return rate


def _strength(largest: float) -> Callable[[float], float]:
    """Checks that an option is a strength from 0 to `largest` microvolts."""

    def check(value: float) -> float:
        if not 0 <= value <= largest:
            raise typer.BadParameter(f"{value:g} is not between 0 and {largest:g} microvolts.")
        return value

    return check


def _mains(frequency: float) -> float:
    """Checks the frequency of the mains."""
    if frequency not in (50.0, 60.0):
        raise typer.BadParameter(f"{frequency:g} is not the frequency of the mains: give 50 or 60.")
    return frequency


def stream(
    lsl: Annotated[str, typer.Option(metavar="NAME", help="Name of the stream to send over LSL.")],
    recording: Annotated[
        Path | None, typer.Argument(help="EEG to continue, in any format MNE reads; without it, from nothing.")
    ] = None,
    condition: Annotated[
        str | None, typer.Option(help="Condition to begin with; `get-hf info` lists the conditions.")
    ] = None,
    prompt_condition: PromptCondition = None,
    plan: Annotated[
        str | None, typer.Option(help="Conditions and their seconds, such as eyes_open:10,left_fist:4.")
    ] = None,
    person: Annotated[
        int | None,
        typer.Option(help="Number of the virtual person, without RECORDING.", min=0, max=2**63 - 1, show_default="0"),
    ] = None,
    channels: Electrodes = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Sampling rate in Hz.", callback=_rate, show_default="the recording's, or 250"),
    ] = None,
    unit: Annotated[
        str, typer.Option(help="Unit of the samples: V, mV, uV or nV, in any spelling.", callback=voltage)
    ] = "microvolts",
    seconds: Annotated[
        float | None,
        typer.Option(
            help="Seconds to send.",
            callback=at_most_a_week,
            show_default="until Ctrl-C or quit",
        ),
    ] = None,
    commands: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of an LSL marker stream whose markers are commands, as on stdin."),
    ] = None,
    noise: Annotated[
        float, typer.Option(help="White noise of the amplifier to add, RMS in microvolts.", callback=_strength(100))
    ] = 0.0,
    hum: Annotated[float, typer.Option(help="Mains hum to add, RMS in microvolts.", callback=_strength(1000))] = 0.0,
    mains: Annotated[float, typer.Option(help="Frequency of the mains in Hz: 50 or 60.", callback=_mains)] = 50.0,
    checkpoint: Checkpoint = str(CHECKPOINT),
    seed: Annotated[int, typer.Option(help="Seed of the noise.", min=0, max=2**63 - 1)] = 0,
    device: Device = "cpu",
) -> None:
    """Send EEG that never ends over LSL, as an amplifier would: a virtual head on the network.

    While it runs, each line on stdin is a command: a condition (eyes_closed), a plan
    (eyes_open:10,left_fist:4), or quit. EEG of a new condition follows about 2 s later. The stream
    NAME-markers tells when each condition begins.

    GET knows EEG from 0.5 to 45 Hz. Above, the stream is empty, unless --noise and --hum add to it.
    """
    if not lsl.strip():
        raise ValueError("--lsl is the name of the stream to send, and it is empty: give one, such as --lsl GET.")
    if plan is not None and condition is not None:
        raise ValueError(f"--condition {condition} and --plan {plan} both say what comes next: give one.")
    if recording is not None and person is not None:
        raise ValueError(
            f"--person {person} is a virtual person, and {recording} is of a real one: leave one of them out."
        )
    if recording is None and prompt_condition is not None:
        raise ValueError(
            f"--prompt-condition {prompt_condition} is about a recording, and none was given: --condition says what "
            "is generated."
        )
    following = condition if plan is None else parse_plan(plan)
    named, prompt = named_channels(channels), None
    if recording is not None:
        prompt = load_recording(recording, last_seconds=CALIBRATION_SECONDS, channels=named)
    require_extra("live")
    from get_hf.live.lsl import LSLOutlet, clock, listen, montage_of

    model, extractor = load(checkpoint, device)
    if prompt is None:
        rate = 250.0 if rate is None else rate
        about: dict[str, Any] = {"condition" if plan is None else "next_condition": following}
        about |= {"sampling_rate": rate, "ch_names": named or USUAL_CHANNELS, "person": person or 0}
    else:
        about = {"condition": prompt_condition, "next_condition": following}
    features = extractor(prompt, context_seconds=model.config.context_seconds, **about)
    own = features.recordings[0].recording
    rate = own.sampling_rate if rate is None else rate
    added = AmplifierNoise(len(own.ch_names), rate, noise, hum, mains, seed) if noise or hum else None
    n_patches = None
    if seconds is not None:
        n_patches = math.ceil(seconds * model.config.sampling_rate / model.config.patch_size - 1e-9)
    generator = torch.Generator().manual_seed(seed)
    source = LiveSource(model, extractor, features, rate, n_patches, generator=generator)
    outlet = LSLOutlet(lsl, montage_of(own.ch_names, features.recordings[0].positions, rate), unit, extractor.band)
    amplifier = VirtualAmplifier(source, outlet, rate, clock, added)
    stdout.print(
        f"Sending {len(own.ch_names)} channels at {rate:g} Hz as {lsl}, and markers as {lsl}-markers.", markup=False
    )
    n_samples = None if seconds is None else round(seconds * rate)
    _run(amplifier, source, n_samples, None if commands is None else partial(listen, commands))
    outlet.close()
    n_sent, worst = amplifier.sent
    stdout.print(f"{n_sent} samples sent, {n_sent / rate:.2f} s; worst lateness {1e3 * worst:.0f} ms", markup=False)
    if worst > LATE:
        stderr.print("note: EEG came late, because this computer was too slow: ask for fewer channels.", markup=False)


def _run(
    amplifier: VirtualAmplifier,
    source: LiveSource,
    n_samples: int | None,
    listen: Callable[[Callable[[str], None], threading.Event], None] | None,
) -> None:
    """Runs the amplifier and the threads that read commands, and ends them all."""
    stopped = threading.Event()
    take = Commands(source.change, amplifier.stop, tell).take
    readers: list[Callable[[], None]] = [] if listen is None else [partial(listen, take, stopped)]
    with suppress(OSError, ValueError, AttributeError):  # there is no standard input, or it is no file
        readers.append(partial(read_lines, sys.stdin.fileno(), take, stopped))
    threads = [threading.Thread(target=reader, daemon=True) for reader in readers]
    with interruption(lambda: f"{amplifier.sent.n_samples} samples were sent"):
        try:
            source.start()
            for thread in threads:
                thread.start()
            amplifier.run(n_samples)
        finally:
            stopped.set()
            source.stop()
            for thread in threads:
                thread.join()
