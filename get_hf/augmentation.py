# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Generates labelled trials to train a decoder with, where few trials of a person were recorded."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from get_hf.modeling.modeling_get import GETModel
from get_hf.modeling.noise_get import mixed
from get_hf.pretrained import load_pretrained
from get_hf.processing.feature_extraction_get import GETFeatureExtractor

if TYPE_CHECKING:
    import mne

#: Seconds of the stretches that a raw recording of rest is cut into. The effects of cues were measured after as much.
REST_SECONDS = 4.0
#: Prompts that are generated from at once.
BATCH_SIZE = 32


@dataclass(frozen=True)
class _Source:
    """Prompts, each of which is continued for each of some classes.

    Attributes:
        prompts: `mne.EpochsArray` that ends where generation begins.
        classes: Names of the classes.
        rows: Numbers of the prompts in what the user gave, `(prompts,)`.
    """

    prompts: Any
    classes: list[str]
    rows: np.ndarray


def augment(
    epochs: "mne.BaseEpochs",
    n: int,
    rest: "mne.io.BaseRaw | mne.BaseEpochs | None" = None,
    conditions: Mapping[str, str] | None = None,
    prompt_condition: str = "rest",
    pretrained: tuple[GETModel, GETFeatureExtractor] | None = None,
    seed: int = 0,
    **options: Any,
) -> "mne.EpochsArray":
    """Generates `n` further trials of each class of `epochs`.

    With `rest=`, each trial follows a stretch of rest, and the model gets the cue of its class. The same stretches are
    continued for each class with the same noise, so the classes differ in nothing but the cue. Without it, each trial
    follows what precedes a recorded trial of its class, so the epochs must begin before 0 s.

    Generated trials hold the band of the model, 0.5 to 45 Hz in the shipped checkpoint. Filter recorded and generated
    trials to a band inside it before a decoder learns from both. Whether they help depends on the decoder and the
    data: compare with and without them, on recorded trials that the decoder has not learnt from.

    Args:
        epochs: Trials in volts. Their events name the classes. The cue is at 0 s, where generation begins. Channels
            other than EEG are left out.
        n: Number of trials for each class.
        rest: EEG of the same person on the same channels, without a task. A `Raw` is cut into stretches of
            `REST_SECONDS`, without segments annotated `BAD_`. Of an `Epochs`, each epoch is a stretch. Give all rest
            that was recorded of the person.
        conditions: Condition of the checkpoint by class, such as `{"T1": "left_fist"}`. None: the classes are named
            like conditions, in any spelling.
        prompt_condition: Condition of what precedes the trials.
        pretrained: Model and feature extractor, as `load_pretrained` returns them. None: the shipped checkpoint.
        seed: Seed of the noise. The same seed gives the same trials.
        options: Options of `GETModel.generate`, such as `temperature=` or `guidance_scale=`.

    Returns:
        `(n * classes, channels, times)` in volts, class by class, with the times, the sampling rate and the event
        codes of `epochs`. Samples before 0 s are the end of the prompt. Metadata have the columns `generated_from`
        (0 s), `generated_draw` (0 for the first trial of a prompt), and `prompt`, the number of the epoch or stretch
        that the trial follows. Set `metadata` to None to concatenate them with epochs that have none. Who was
        recorded, and when, is left out.

    Raises:
        ValueError: An argument does not fit the epochs or the checkpoint.
    """
    import mne

    if not isinstance(epochs, mne.BaseEpochs):
        raise ValueError(f"augment() takes mne.Epochs with a class for each trial, not {type(epochs).__name__}.")
    _check_whole("n", n, 1)
    _check_whole("seed", seed, 0)
    epochs = _eeg_of(epochs, "epochs")
    classes = [name for name, code in epochs.event_id.items() if code in epochs.events[:, 2]]
    if not classes:
        raise ValueError("No event of the epochs has a name in event_id: name the classes of the trials there.")
    n_after = round(epochs.tmax * epochs.info["sfreq"]) + 1
    if n_after < 2:
        raise ValueError(f"The epochs end at {epochs.tmax:g} s, before the cue at 0 s: cut them to its end or later.")
    cues = _cues(classes, conditions)
    model, extractor = load_pretrained() if pretrained is None else pretrained
    for condition in (prompt_condition, *cues.values()):
        extractor.condition_id(condition)
    sources = _before_trials(epochs, classes) if rest is None else [_rest(epochs, rest, classes)]

    n_before = max(0, round(-epochs.tmin * epochs.info["sfreq"]))
    made: dict[str, list[np.ndarray]] = {name: [] for name in classes}
    told: dict[str, list[tuple[int, int]]] = {name: [] for name in classes}
    info, bad = None, set(epochs.info["bads"])
    for source in sources:
        n_prompt = source.prompts.times.size
        if n_prompt < n_before:
            length = n_prompt / epochs.info["sfreq"]
            raise ValueError(
                f"The epochs begin at {epochs.tmin:g} s, and the stretches of rest are {length:g} s long: give longer "
                "stretches, or crop the epochs."
            )
        for name, numbers, draw, continued in _continuations(
            source, n, n_before, n_after, cues, prompt_condition, model, extractor, seed, options
        ):
            # the output may lack the begin of a prompt that is longer than the model's context
            first = n_prompt + round((epochs.tmin - continued.tmin) * epochs.info["sfreq"])
            made[name].append(continued.get_data(copy=False)[..., first : first + epochs.times.size])
            told[name] += [(int(source.rows[number]), draw) for number in numbers]
            info = continued.info
            bad |= set(info["bads"])
    assert info is not None
    info["bads"] = [name for name in epochs.ch_names if name in bad]
    return _as_epochs(epochs, classes, made, told, info)


def _continuations(
    source: _Source,
    n: int,
    n_before: int,
    n_after: int,
    cues: Mapping[str, str],
    prompt_condition: str,
    model: GETModel,
    extractor: GETFeatureExtractor,
    seed: int,
    options: Mapping[str, Any],
) -> Iterator[tuple[str, np.ndarray, int, Any]]:
    """Continues prompts: class, numbers of the prompts, number of the draw, and `mne.EpochsArray` of both."""
    n_prompts, rate = len(source.prompts), source.prompts.info["sfreq"]
    n_patches = math.ceil(n_after / rate * extractor.sampling_rate / extractor.patch_size - 1e-6)
    # of many prompts, those that are spread evenly; of few, each several times
    wanted = np.arange(n_prompts) if n >= n_prompts else np.linspace(0, n_prompts - 1, n).round().astype(int)
    for start in range(0, len(wanted), BATCH_SIZE):
        numbers = wanted[start : start + BATCH_SIZE]
        features = extractor(
            source.prompts[numbers],
            condition=prompt_condition,
            next_condition=cues[source.classes[0]],
            context_seconds=max(model.config.context_seconds, n_before / rate),
        ).to(model.device)
        for draw in range(math.ceil((n - start) / len(wanted))):
            count = min(len(numbers), n - draw * len(wanted) - start)
            if count <= 0:
                break
            for name in source.classes:
                # the last position holds the condition of what comes next
                features["condition_ids"][:, -1] = extractor.condition_id(cues[name])
                generated = model.generate(
                    **features,
                    max_new_tokens=n_patches,
                    generator=torch.Generator().manual_seed(mixed(seed, draw)),
                    **options,
                )
                continued = extractor.decode(generated, features, output="epochs")[0]
                yield name, numbers[:count], draw, continued[:count]


def _as_epochs(
    epochs: Any, classes: list[str], made: dict[str, list], told: dict[str, list[tuple[int, int]]], info: Any
) -> Any:
    """An `mne.EpochsArray` of generated trials, with the events and times of recorded ones."""
    import mne
    import pandas as pd

    labels = np.concatenate([np.full(len(told[name]), epochs.event_id[name]) for name in classes])
    samples = np.arange(len(labels)) * epochs.times.size
    rows = [row for name in classes for row in told[name]]
    metadata = pd.DataFrame(rows, columns=["prompt", "generated_draw"]).assign(generated_from=0.0)
    generated = mne.EpochsArray(
        np.concatenate([part for name in classes for part in made[name]]),
        info,
        events=np.stack([samples, np.zeros_like(samples), labels], axis=1),
        event_id={name: epochs.event_id[name] for name in classes},
        tmin=epochs.tmin,
        proj=False,
        metadata=metadata,
        verbose="ERROR",
    )
    if epochs.baseline is not None:
        generated.apply_baseline(epochs.baseline, verbose="ERROR")
    return generated


def _before_trials(epochs: Any, classes: list[str]) -> list[_Source]:
    """What precedes the trials of each class, which is continued for this class."""
    if not epochs.tmin < 0:
        raise ValueError(
            f"The epochs begin at {epochs.tmin:g} s, so they hold nothing before the cue at 0 s to continue: cut them "
            f"from {-REST_SECONDS:g} s on, or give rest=."
        )
    before = epochs.copy().crop(tmax=0, include_tmax=False, verbose="ERROR")
    codes = epochs.events[:, 2]
    sources = []
    for name in classes:
        rows = np.flatnonzero(codes == epochs.event_id[name])
        sources.append(_Source(_array_of(before[rows]), [name], rows))
    return sources


def _rest(epochs: Any, rest: Any, classes: list[str]) -> _Source:
    """Stretches of rest, each of which is continued for every class."""
    import mne

    if not isinstance(rest, (mne.io.BaseRaw, mne.BaseEpochs)):
        raise ValueError(f"rest must be mne.io.Raw or mne.Epochs of the same channels, not {type(rest).__name__}.")
    rest = _eeg_of(rest, "rest")
    if missing := [name for name in epochs.ch_names if name not in rest.ch_names]:
        raise ValueError(
            f"The epochs have channels that rest lacks, {', '.join(missing[:5])}: pick the channels that both have."
        )
    if rest.info["sfreq"] != epochs.info["sfreq"]:
        raise ValueError(
            f"The epochs are at {epochs.info['sfreq']:g} Hz and rest is at {rest.info['sfreq']:g} Hz: resample one of "
            "them."
        )
    rest = rest.pick(epochs.ch_names)  # also puts them in the order of the epochs
    if isinstance(rest, mne.io.BaseRaw):
        if rest.duration < REST_SECONDS:
            raise ValueError(f"rest lasts {rest.duration:g} s, less than a stretch of {REST_SECONDS:g} s: give more.")
        rest = mne.make_fixed_length_epochs(rest, REST_SECONDS, preload=True, verbose="ERROR")
        if not len(rest):
            raise ValueError(f"rest holds no good stretch of {REST_SECONDS:g} s: look at its BAD annotations.")
    return _Source(_array_of(rest), classes, np.arange(len(rest)))


def _array_of(epochs: Any) -> Any:
    """`mne.EpochsArray` of prompts, without their events and annotations, which could name conditions."""
    import mne

    return mne.EpochsArray(epochs.get_data(copy=False), epochs.info, proj=False, verbose="ERROR")


def _eeg_of(recording: Any, name: str) -> Any:
    """A copy of the EEG channels of an MNE object, in memory."""
    import mne

    picks = mne.pick_types(recording.info, eeg=True, exclude=())
    if not len(picks):
        raise ValueError(f"{name} holds no EEG channel: set the types of its channels.")
    recording = recording.copy().load_data()
    if isinstance(recording, mne.BaseEpochs) and not len(recording):
        raise ValueError(f"{name} holds no good epoch: look at its drop_log.")
    return recording.pick(picks, verbose="ERROR")


def _cues(classes: list[str], conditions: Mapping[str, str] | None) -> dict[str, str]:
    """The condition of each class."""
    if conditions is None:
        return {name: name for name in classes}
    if not isinstance(conditions, Mapping):
        raise ValueError(f"conditions must be a mapping from class to condition, not {conditions!r:.100}.")
    if missing := [name for name in classes if name not in conditions]:
        raise ValueError(
            f"The epochs have classes without an entry in conditions, {', '.join(missing)}: add them, or leave their "
            "trials out."
        )
    return {name: conditions[name] for name in classes}


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) < 2**63:
        raise ValueError(f"{name} must be a whole number from {least} up, not {value!r:.100}.")
