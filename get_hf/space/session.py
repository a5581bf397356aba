# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Runs the model for the page: reads a recording, continues it patch by patch, measures surprise, and classifies it.

All users share the model and the feature extractor, which do not change. All other data belong to one request.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from get_hf import GETFeatureExtractor, GETForSequenceClassification, GETModel, load_recording
from get_hf.modeling.pipeline_get import window_scores
from get_hf.processing.feature_extraction_get import EEGFeatures
from get_hf.processing.montage_get import USUAL_CHANNELS, UnknownChannelError, parse_channel_name
from get_hf.space.disk import MAX_MEGABYTES
from get_hf.thread_warnings import warnings_taken

if TYPE_CHECKING:
    import mne

SUFFIXES = (".edf", ".bdf", ".fif", ".set")
#: Highest sampling rate of an upload, in Hz. The figures of faster recordings would take gigabytes.
MAX_RATE = 5000.0
#: Longest prompt in seconds; only the end of a longer recording is read.
MAX_PROMPT_SECONDS = 30.0
#: Longest recording that is classified, in seconds; only the end of a longer recording is read.
MAX_CLASSIFIED_SECONDS = 300.0
#: Longest continuation in seconds, and largest number of channels.
MAX_SECONDS = 60.0
MAX_CHANNELS = 32
#: Seconds of computing after which a continuation ends early.
MAX_WALL_SECONDS = 90.0
#: Length of the built-in example, in seconds.
EXAMPLE_SECONDS = 12.0
#: Number of flow steps with which the surprise is measured. More steps make it more exact, but hardly change it.
SCORE_STEPS = 2
#: Seed of the noise with which the surprise is measured. A user is unlikely to choose the same seed. Patches that were
#: generated from the same noise would have a surprise that is too low.
SCORE_SEED = 0x5C0_5EED


@dataclass(frozen=True)
class Wishes:
    """Choices of a user.

    Attributes:
        seconds: Duration of the generated part in seconds.
        ch_names: Channels of the recording, or channels to generate without a recording. Empty: the usual channels.
        condition: Condition during the recording. None: it is not known.
        next_condition: Condition of the generated part. None: the condition of the recording, if it is known.
        temperature: Standard deviation of the flow's noise.
        guidance: How much the condition is exaggerated; 1 is not at all.
        seed: The same seed gives the same samples. Without a recording, it also gives the same virtual person.
    """

    seconds: float = 10.0
    ch_names: Sequence[str] = ()
    condition: str | None = None
    next_condition: str | None = None
    temperature: float = 1.0
    guidance: float = 1.0
    seed: int = 0

    def __post_init__(self):
        if not 0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"{self.seconds:g} s were asked for, and here 0.25 to {MAX_SECONDS:g} s are generated.")
        if len(self.ch_names) > MAX_CHANNELS:
            raise ValueError(f"{len(self.ch_names)} channels were chosen, and here at most {MAX_CHANNELS} are used.")
        if not 0 < self.temperature <= 2:
            raise ValueError(f"The temperature is {self.temperature:g}, and must lie above 0 and not above 2.")
        if not 0 < self.guidance <= 5:
            raise ValueError(f"The guidance is {self.guidance:g}, and must lie above 0 and not above 5.")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"The seed is {self.seed}, and must be 0 or more and below 2 to the 63rd.")
        if self.guidance != 1 and self.condition is None and self.next_condition is None:
            raise ValueError(
                f"Guidance {self.guidance:g} exaggerates a condition, and none was chosen: choose one, or guidance 1."
            )


@dataclass
class Prepared:
    """Inputs of the model for a recording, or for generation without a recording, and notes for the user."""

    features: EEGFeatures
    notes: list[str]


def read_upload(path: str | Path, most_seconds: float = MAX_PROMPT_SECONDS) -> tuple["mne.io.BaseRaw", list[str]]:
    """Reads an uploaded file within the limits of the page.

    Returns:
        At most the last `most_seconds` of the recording, in volts, and notes for the user.

    Raises:
        ValueError: The file is too large, or holds no EEG. The message has the name of the file without its folder.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path.name} has been deleted since it was uploaded: upload it again.")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name} is none of {', '.join(SUFFIXES)}: save the recording as one of these.")
    megabytes = path.stat().st_size / 1e6
    if megabytes > MAX_MEGABYTES:
        raise ValueError(
            f"{path.name} has {megabytes:.0f} MB, and at most {MAX_MEGABYTES} MB are read here: upload a part of it."
        )
    with warnings_taken() as notes:
        try:
            raw = load_recording(path, follow_links=False)
        except (ValueError, OSError) as error:
            raise ValueError(str(error).replace(str(path), path.name)) from error
    if (rate := raw.info["sfreq"]) > MAX_RATE:
        raise ValueError(f"{path.name} has {rate:g} Hz, and at most {MAX_RATE:g} Hz are read here: resample it.")
    if (seconds := raw.n_times / raw.info["sfreq"]) > most_seconds:
        raw.crop(tmin=seconds - most_seconds)
        notes.append(f"Of {seconds:.0f} s the last {most_seconds:.0f} s are read.")
    return raw, notes


def usual_channels(ch_names: Sequence[str]) -> list[str]:
    """Returns the channels of the 10-20 system, in any spelling; if there are fewer than 8, the first channels."""
    spelt = {}
    for name in ch_names:
        try:
            spelt.setdefault("-".join(filter(None, parse_channel_name(name))), name)
        except UnknownChannelError:
            continue
    usual = [spelt[name] for name in USUAL_CHANNELS if name in spelt]
    return usual if len(usual) >= 8 else list(ch_names)[:MAX_CHANNELS]


def prepare(extractor: GETFeatureExtractor, raw: "mne.io.BaseRaw | None", wishes: Wishes) -> Prepared:
    """Prepares the inputs of the model from a recording; if `raw` is None, without a recording.

    Raises:
        ValueError: The feature extractor refuses the recording.
    """
    with warnings_taken() as notes:
        if raw is None:
            ch_names = list(wishes.ch_names) or USUAL_CHANNELS
            features = extractor(ch_names=ch_names, person=wishes.seed, **_conditions(raw, wishes))
        else:
            features = extractor(chosen(raw, wishes.ch_names), **_conditions(raw, wishes))
    return Prepared(features, notes)


def chosen(raw: "mne.io.BaseRaw", ch_names: Sequence[str]) -> "mne.io.BaseRaw":
    """Returns the chosen channels of a recording; if none are chosen, the usual ones.

    Raises:
        ValueError: Too many channels were chosen, or a channel that the recording lacks.
    """
    if len(ch_names) > MAX_CHANNELS:
        raise ValueError(f"{len(ch_names)} channels were chosen, and here at most {MAX_CHANNELS} are used.")
    names = list(ch_names) or usual_channels(raw.ch_names)
    if strange := [name for name in names if name not in raw.ch_names]:
        raise ValueError(f"{', '.join(strange)} was chosen, and the recording has no such channel: choose again.")
    return raw.copy().pick(names)


def _conditions(raw: "mne.io.BaseRaw | None", wishes: Wishes) -> dict[str, str | None]:
    """Returns the arguments of the feature extractor that describe the conditions."""
    if raw is None:
        return {"condition": wishes.next_condition}
    return {"condition": wishes.condition, "next_condition": wishes.next_condition}


def stream(model: GETModel, features: EEGFeatures, wishes: Wishes) -> Iterator[torch.Tensor]:
    """Generates in a separate thread, and yields the result so far each time the caller asks for it.

    The generation stops when the iterator is closed.

    Yields:
        Prompt and all patches so far in the innovation space, `(1, channels, times)`. Each time, there is at least one
        new patch.

    Raises:
        ValueError: `generate` refuses the features or the wishes.
    """
    patches: queue.SimpleQueue[torch.Tensor | Exception | None] = queue.SimpleQueue()
    stopped = threading.Event()

    def work() -> None:
        try:
            model.generate(
                **features,
                seconds=wishes.seconds,
                temperature=wishes.temperature,
                guidance_scale=wishes.guidance,
                generator=torch.Generator().manual_seed(wishes.seed),
                max_time=MAX_WALL_SECONDS,
                streamer=_ToQueue(patches),
                stopping_criteria=StoppingCriteriaList([_WhenStopped(stopped)]),
            )
        except Exception as error:  # raised again where the page can show it
            patches.put(error)
        patches.put(None)

    threading.Thread(target=work, daemon=True).start()
    so_far = [patches.get()]  # the prompt comes first
    try:
        while True:
            arrived = [patches.get()]  # waits for one patch, then takes all that have arrived
            while not patches.empty():
                arrived.append(patches.get())
            if errors := [each for each in (*so_far, *arrived) if isinstance(each, Exception)]:
                raise errors[0]
            if new := [patch for patch in arrived if patch is not None]:
                so_far += new
                yield torch.cat(so_far, dim=-1)
            if arrived[-1] is None:
                return
    finally:
        stopped.set()


class _ToQueue(BaseStreamer):
    """Streamer that puts the patches of `generate` into a queue."""

    def __init__(self, patches: queue.SimpleQueue):
        self.patches = patches

    def put(self, value: torch.Tensor) -> None:
        """Puts a patch `(batch, channels, times)` into the queue."""
        self.patches.put(value)

    def end(self) -> None:
        """Does nothing, because the thread itself puts the end mark into the queue."""


class _WhenStopped(StoppingCriteria):
    """Criterion that stops a generation when its result is no longer needed."""

    def __init__(self, stopped: threading.Event):
        self.stopped = stopped

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor | None, **_) -> torch.Tensor:
        """Returns for each recording whether to stop."""
        return torch.full((len(input_ids),), self.stopped.is_set(), dtype=torch.bool)


def surprise(model: GETModel, features: EEGFeatures, generated: torch.Tensor) -> np.ndarray:
    """Measures the surprise of each patch of prompt and continuation, given its past.

    Returns:
        Surprise in nats, `(channels, patches)`, without the start patch. It is NaN for masked channels.
    """
    inputs = dict(features)
    n_patches = generated.shape[-1] // model.config.patch_size
    n_new = n_patches - features["attention_mask"].shape[1]
    inputs["input_values"] = generated
    inputs["attention_mask"] = torch.nn.functional.pad(features["attention_mask"], (0, n_new), value=1)
    conditions = features["condition_ids"]  # of the prompt and of the plan; the last condition continues
    conditions = torch.cat((conditions, conditions[:, -1:].expand(-1, n_patches)), dim=-1)
    inputs["condition_ids"] = conditions[:, :n_patches]
    return model.score(**inputs, num_flow_steps=SCORE_STEPS, seed=SCORE_SEED)[0, :, 1:].numpy()


@torch.no_grad()
def classify(classifier: GETForSequenceClassification, features: EEGFeatures) -> dict[str, float]:
    """Classifies a recording, and returns the probability of each class by its name."""
    probabilities = classifier(**features).logits[0].softmax(-1)
    return {classifier.config.id2label[index]: float(p) for index, p in enumerate(probabilities)}


@dataclass(frozen=True)
class Windows:
    """Classes of the windows of a recording.

    Attributes:
        classes: Names of the classes.
        scores: Probabilities `(windows, classes)`.
        spans: Start and end of each window, in seconds from the first sample that was read.
        notes: Notes for the user.
    """

    classes: list[str]
    scores: np.ndarray
    spans: list[tuple[float, float]]
    notes: list[str]


def classify_windows(
    classifier: GETForSequenceClassification,
    extractor: GETFeatureExtractor,
    raw: "mne.io.BaseRaw",
    ch_names: Sequence[str],
) -> Windows:
    """Classifies the windows of a recording, as `pipeline("eeg-classification")` does.

    `get_hf.classify` is not used, because it changes the filters of warnings, which all users share.

    Raises:
        ValueError: Too many channels or a channel that the recording lacks were chosen, or the feature extractor
            refuses the recording.
    """
    config = classifier.config
    with warnings_taken() as notes:
        features = extractor(chosen(raw, ch_names), calibrate_on="all")
        positions = features["channel_positions"][features["channel_mask"].bool()]
        extractor.check_montage(config.training_channels, positions.numpy())
    [(scores, spans)] = window_scores(classifier, features, config.window_seconds, config.stride_seconds)
    classes = [config.id2label[index] for index in range(config.num_labels)]
    return Windows(classes, scores.numpy(), spans, notes)


def example(model: GETModel, extractor: GETFeatureExtractor) -> "mne.io.BaseRaw":
    """Generates the built-in example, which is 12 s of EEG with closed eyes, and removes its annotation."""
    wishes = Wishes(seconds=EXAMPLE_SECONDS, condition="eyes_closed", seed=1)
    features = prepare(extractor, None, wishes).features
    *_, generated = stream(model, features, wishes)
    raw = extractor.decode(generated, features)[0]
    return raw.set_annotations(None)


class Pace:
    """Timer that limits how often pictures are drawn, so that drawing does not slow the generation down."""

    def __init__(self, interval: float):
        self.interval = interval
        self.next = 0.0

    def due(self) -> bool:
        """Whether the next picture may be drawn, which is at most once in `interval` seconds."""
        now = time.monotonic()
        if now < self.next:
            return False
        self.next = now + self.interval
        return True
