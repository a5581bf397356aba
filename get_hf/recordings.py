# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes recordings as `.edf`, `.fif` or `.npz`, and marks generated parts in the file.

A file is written completely or not at all. `split_at_seam` finds the generated part of a recording.
"""

import copy
import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.torch

from get_hf.modeling.modeling_get import GETModel
from get_hf.modeling.pretrained_get import GETPreTrainedModel
from get_hf.outputs import IMPUTED, MAKER, WITH_JSON, check_file, check_output
from get_hf.pretrained import CHECKPOINT, CLASSIFIERS
from get_hf.processing.decoding_get import GENERATED
from get_hf.processing.files import written_whole

if TYPE_CHECKING:
    import mne

_IN_THE_CACHE = re.compile(r"models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\](\w+)")
#: Limits of EDF's header: number of characters in the description of a recording, and range of years.
_EDF_FIELD, _EDF_YEARS = 80, range(1985, 2085)
#: Largest amplitude that fits into the 8 characters of the header's field.
_EDF_MICROVOLTS = 9_999_999


def save_recording(
    raw: "mne.io.BaseRaw",
    path: str | Path,
    model: GETModel | None = None,
    seed: int | None = None,
    condition: str | Sequence[tuple[str, float]] | None = None,
) -> None:
    """Writes a recording with its annotations. The suffix of `path` chooses the format.

    `.edf` stores 16 bits per sample over the range of each channel; for an EEG of 200 microvolts, the steps are 0.006
    microvolts. Names have up to 16 characters. `.fif` stores everything that MNE knows, in single precision. `.npz`
    stores `data` (channels, times) in microvolts, `sampling_rate` in Hz, `ch_names`, and the annotations, which are
    `onset` and `duration` in seconds, `description`, and `channel`. An empty `channel` means all channels. An
    annotation of several channels is stored once for each channel.

    If the annotation "GET generated" marks any part, or "GET imputed" any channel, the file says so in EDF's header,
    in FIF's description, or in `generated` of `.npz`. For `.edf` and `.fif`, a JSON file is written to the same
    folder. It holds the start of the generated part in seconds, the imputed channels, the version, the checkpoint and
    the seed. The person and the date of a recording are written if `raw` has them. By default, `decode` removes both.

    Args:
        raw: The recording.
        path: File to write. An existing file is replaced in one step, when the new file is complete.
        model: The model that generated the recording.
        seed: Seed of the generator.
        condition: The requested condition, or a plan of conditions and their seconds.

    Raises:
        ValueError: The suffix or a channel name is not allowed, or EDF cannot store a sample or the sampling rate.
        OSError: The folder does not exist, files cannot be written into it, or the JSON file would replace a file that
            GET-HF did not write.
    """
    generated = [
        {"onset": round(float(onset - raw.first_time), 6), "duration": round(float(duration), 6)}
        for onset, duration, description in _annotations(raw)
        if description == GENERATED
    ]
    notes = zip(raw.annotations.description, raw.annotations.ch_names, strict=True)
    imputed = sorted({name for description, names in notes if description == IMPUTED for name in names})
    path = (check_output if generated or imputed else check_file)(path, ch_names=raw.ch_names)
    facts: dict[str, Any] | None = None
    if generated or imputed:
        facts = {"generated_by": MAKER, "version": version("get-hf"), "file": path.name}
        facts |= {name: value for name, value in (("generated", generated), ("imputed", imputed)) if value}
        facts |= {} if model is None else checkpoint_of(model)
        facts |= {name: value for name, value in (("seed", seed), ("condition", condition)) if value is not None}
    write = {".edf": _write_edf, ".fif": _write_fif, ".npz": _write_npz}[path.suffix.lower()]
    with written_whole(path) as partial:
        write(raw, partial, facts)
        if facts and path.suffix.lower() in WITH_JSON:
            text = json.dumps(facts, indent=2, ensure_ascii=False)
            partial.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")


def split_at_seam(raw: "mne.io.BaseRaw") -> tuple[np.ndarray, np.ndarray]:
    """Splits a decoded recording at the start of its annotation "GET generated".

    Args:
        raw: Result of `GETFeatureExtractor.decode`.

    Returns:
        Prompt and continuation in microvolts, each `(channels, times)`. If the recording was generated without a
        prompt, the prompt has no samples.

    Raises:
        ValueError: `raw` has no such annotation.
    """
    onsets = raw.annotations.onset[raw.annotations.description == GENERATED]
    if len(onsets) == 0:
        raise ValueError(f'The recording has no annotation "{GENERATED}": it is not what GET\'s decode returned.')
    # the last one: the prompt may itself have been generated
    seam = round((onsets.max() - raw.first_time) * raw.info["sfreq"])
    before, after = np.split(raw.get_data(units="uV"), [seam], axis=1)
    return before, after


def checkpoint_of(model: GETPreTrainedModel) -> dict[str, str]:
    """The name of a model's checkpoint, unless it is a path on this machine, and the hash of its weights.

    If the name is a path on this machine, it is left out. The hash is the same as for the `model.safetensors` that
    `save_pretrained` writes.
    """
    name, commit = str(model.config._name_or_path), getattr(model.config, "_commit_hash", None)
    cached = _IN_THE_CACHE.search(name)
    if cached:
        owner, repo, commit = cached.groups()
        known = {"checkpoint": f"{owner}/{repo}@{commit}"}
    elif commit:
        known = {"checkpoint": f"{name}@{commit}"}
    elif name == str(CHECKPOINT):
        known = {"checkpoint": "shipped"}
    elif Path(name).parent == CLASSIFIERS:
        known = {"checkpoint": f"shipped {Path(name).name}"}
    else:
        known = {}
    weights = safetensors.torch.save(model.state_dict(), {"format": "pt"})
    return known | {"weights_sha256": hashlib.sha256(weights).hexdigest()}


def _annotations(raw: "mne.io.BaseRaw") -> list[tuple[float, float, str]]:
    """Returns (onset, duration, description) of each annotation, in seconds as MNE counts them."""
    own = raw.annotations
    return list(zip(own.onset.tolist(), own.duration.tolist(), own.description.tolist(), strict=True))


def _by_channel(raw: "mne.io.BaseRaw") -> list[tuple[float, float, str, str]]:
    """Returns (onset, duration, description, channel) of each annotation; an empty channel means all channels.

    Onset and duration are in seconds. The onset is counted from the first sample.
    """
    return [
        (onset - raw.first_time, duration, description, channel)
        for (onset, duration, description), channels in zip(_annotations(raw), raw.annotations.ch_names, strict=True)
        for channel in channels or ("",)
    ]


def _write_edf(raw: "mne.io.BaseRaw", path: Path, facts: dict[str, Any] | None) -> None:
    from edfio import Edf, EdfAnnotation, EdfSignal

    microvolts = raw.get_data(units="uV")
    limits = np.abs(microvolts).max(axis=-1)
    if wrong := [name for name, limit in zip(raw.ch_names, limits, strict=True) if not limit <= _EDF_MICROVOLTS]:
        raise ValueError(
            f"EDF holds samples of up to {_EDF_MICROVOLTS} microvolts, and {', '.join(wrong)} has others: write .fif "
            "or .npz, or leave the channel out."
        )
    rate = raw.info["sfreq"]
    samples, seconds = _edf_record(raw.n_times, rate)
    if abs(samples / seconds / rate - 1) > 1e-6:
        raise ValueError(f"EDF cannot hold {raw.n_times} samples at {rate:g} Hz: write .fif or .npz.")
    microvolts = np.pad(microvolts, ((0, 0), (0, -raw.n_times % samples)), mode="edge")
    signals = []
    for name, channel, limit in zip(raw.ch_names, microvolts, limits, strict=True):
        # a whole number, because the header's fields hold 8 characters
        limit = max(1, math.ceil(limit))
        signals.append(
            EdfSignal(
                channel,
                samples / seconds,
                label=name,
                physical_dimension="uV",
                physical_range=(-limit, limit),
                digital_range=(-32767, 32767),  # symmetric, so that 0 stays 0
                prefiltering=f"HP:{raw.info['highpass']:g}Hz LP:{raw.info['lowpass']:g}Hz",
            )
        )
    # MNE writes the channel after @@; in EDF, bytes below 32 end a text
    annotations = [
        EdfAnnotation(onset, duration, re.sub(r"[\x00-\x1f]", " ", text) + (f"@@{channel}" if channel else ""))
        for onset, duration, text, channel in _by_channel(raw)
    ]
    began = raw.info["meas_date"] and raw.info["meas_date"] + timedelta(seconds=raw.first_time)
    began = began if began and began.year in _EDF_YEARS else None
    edf = Edf(
        signals,
        patient=_edf_patient(raw.info["subject_info"] or {}),
        recording=_edf_recording(began, facts),
        starttime=began and began.time(),
        data_record_duration=seconds,
        annotations=annotations,
    )
    edf.write(path)


def _edf_patient(subject: dict[str, Any]) -> Any:
    from edfio import Patient

    name = "_".join(str(subject[key]) for key in ("first_name", "middle_name", "last_name") if subject.get(key))
    return Patient(
        code=_edf_word(str(subject.get("his_id") or ""))[:20],
        sex={1: "M", 2: "F"}.get(subject.get("sex"), "X"),
        birthdate=subject.get("birthday"),
        name=_edf_word(name)[:40],
    )


def _edf_recording(began: Any, facts: dict[str, Any] | None) -> Any:
    """Returns EDF's description of a recording: start of the generated part in seconds, and as many facts as fit."""
    from edfio import Recording

    date = began.date() if began else None
    if facts is None:
        return Recording(startdate=date)
    words = [f"generated_from_{span['onset']:.3f}_s" for span in facts.get("generated", ())[:1]]
    words += ["imputed_" + _edf_word("_".join(facts["imputed"]))[:24]] if "imputed" in facts else []
    if "seed" in facts:
        words.append(f"seed_{facts['seed']}")
    if "checkpoint" in facts:
        words.append(_edf_word(re.sub("(@.{7}).*", r"\1", facts["checkpoint"])))  # a commit, as Git shortens it
    equipment = _edf_word(f"{MAKER}_{facts['version']}")
    room = _EDF_FIELD - len(f"Startdate {'01-JAN-2000' if date else 'X'} X X ")
    kept = [word for n, word in enumerate(words) if len(" ".join([equipment, *words[: n + 1]])) <= room]
    return Recording(startdate=date, equipment_code=equipment, additional=kept)


def _edf_word(text: str) -> str:
    """Converts a text to a word of EDF's header, which is ASCII without blanks; an empty text becomes X."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^!-~]+", "_", plain.strip()) or "X"


def _edf_record(n_times: int, rate: float) -> tuple[int, float]:
    """Chooses the length of EDF's data records, because a file must hold a whole number of records.

    The length lies between 1/4 and 10 seconds. The first criterion is that it can be written exactly in the header's 8
    characters. The second criterion is the smallest number of padded samples, which is nearly always 0. The third
    criterion is that it is near the usual length of 1 second.

    Returns:
        Number of samples per record, and duration of a record in seconds.
    """
    shortest, longest = max(1, int(rate / 4)), max(1, min(int(10 * rate), n_times))
    samples = min(
        range(min(shortest, longest), longest + 1),
        key=lambda length: (len(repr(length / rate)) > 8, -n_times % length, abs(length - rate)),
    )
    return samples, float(repr(samples / rate)[:8])


def _write_fif(raw: "mne.io.BaseRaw", path: Path, facts: dict[str, Any] | None) -> None:
    if facts:
        raw = copy.copy(raw)  # shares the samples
        raw.info = raw.info.copy()
        parts = [f"{GENERATED} from {span['onset']:.3f} s on" for span in facts.get("generated", ())[:1]]
        parts += [f"{IMPUTED}: {', '.join(facts['imputed'])}"] if "imputed" in facts else []
        said = raw.info["description"] or "; ".join(parts)
        words = [f"{MAKER} {facts['version']}"]
        words += [f"{name} {facts[name]}" for name in ("checkpoint", "weights_sha256", "seed") if name in facts]
        raw.info["description"] = f"{said} ({', '.join(words)})"
    raw.save(path, verbose="ERROR")  # without the notice that MNE prefers names in _raw.fif


def _write_npz(raw: "mne.io.BaseRaw", path: Path, facts: dict[str, Any] | None) -> None:
    onset, duration, description, channel = zip(*_by_channel(raw), strict=True) if len(raw.annotations) else [()] * 4
    np.savez_compressed(
        path,
        data=raw.get_data(units="uV").astype(np.float32),
        sampling_rate=raw.info["sfreq"],
        ch_names=np.array(raw.ch_names),
        onset=np.array(onset, dtype=float),
        duration=np.array(duration, dtype=float),
        description=np.array(description, dtype=str),
        channel=np.array(channel, dtype=str),
        generated=json.dumps(facts, ensure_ascii=False) if facts else "",
    )
