# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Writes recordings as `.edf`, `.fif` or `.npz`, completely or not at all, with a note on generated parts.

`split_at_seam` finds the generated part of a recording.
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
from get_hf.outputs import IMPUTED, MAKER, WITH_JSON, check_file, check_output
from get_hf.pretrained import CHECKPOINT
from get_hf.processing.decoding_get import GENERATED
from get_hf.processing.files import written_whole

if TYPE_CHECKING:
    import mne

_IN_THE_CACHE = re.compile(r"models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\](\w+)")
#: Limits of EDF's header: number of characters that describe a recording, and years.
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
    """Writes a recording with its annotations, in the format its suffix names.

    `.edf` holds 16 bits per sample over the range of each channel (for an EEG of 200 microvolts, steps of
    0.006) and names of up to 16 characters; `.fif` holds everything MNE knows, in single precision; `.npz`
    holds `data` (channels, times) in microvolts, `sampling_rate` in Hz, `ch_names`, and the annotations'
    `onset` and `duration` in seconds, `description`, and `channel` (empty for all; an annotation of several
    channels is there once for each).

    If the annotation "GET generated" marks any part, or "GET imputed" any channel, the file says so: in EDF's header,
    in FIF's description, in `generated` of `.npz`. A JSON file beside `.edf` and `.fif` names the begin of the
    generated part in seconds, the imputed channels, the version, the checkpoint and the seed. The person and the date
    of a recording are written if `raw` has them; `decode` leaves them out by default.

    Args:
        raw: The recording.
        path: File to write; an existing file is replaced, in one step, when the new one is complete.
        model: The model that generated the recording.
        seed: Seed of the generator.
        condition: The requested condition, or a plan of conditions and their seconds.

    Raises:
        ValueError: The suffix, a channel name, or, in EDF, a sample or the sampling rate cannot be written.
        OSError: The folder does not exist or cannot be written to, or the JSON file beside it is not GET's.
    """
    generated = [
        {"onset": round(float(onset - raw.first_time), 6), "duration": round(float(duration), 6)}
        for onset, duration, description in _annotations(raw)
        if description == GENERATED
    ]
    notes = zip(raw.annotations.description, raw.annotations.ch_names, strict=True)
    imputed = sorted({name for description, names in notes if description == IMPUTED for name in names})
    path = (check_output if generated or imputed else check_file)(path, ch_names=raw.ch_names)
    told: dict[str, Any] | None = None
    if generated or imputed:
        told = {"generated_by": MAKER, "version": version("get-hf"), "file": path.name}
        told |= {name: value for name, value in (("generated", generated), ("imputed", imputed)) if value}
        told |= {} if model is None else _checkpoint(model)
        told |= {name: value for name, value in (("seed", seed), ("condition", condition)) if value is not None}
    write = {".edf": _write_edf, ".fif": _write_fif, ".npz": _write_npz}[path.suffix.lower()]
    with written_whole(path) as partial:
        write(raw, partial, told)
        if told and path.suffix.lower() in WITH_JSON:
            text = json.dumps(told, indent=2, ensure_ascii=False)
            partial.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")


def split_at_seam(raw: "mne.io.BaseRaw") -> tuple[np.ndarray, np.ndarray]:
    """Splits a decoded recording at the begin of its annotation "GET generated".

    Args:
        raw: Result of `GETFeatureExtractor.decode`.

    Returns:
        Prompt and continuation in microvolts, each `(channels, times)`; the prompt has no samples if the recording
        was generated from nothing.

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


def _checkpoint(model: GETModel) -> dict[str, str]:
    """The name of a model's checkpoint, unless it is a path on this machine, and the hash of its weights.

    The hash equals the hash of the `model.safetensors` that `save_pretrained` writes.
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
    else:
        known = {}
    weights = safetensors.torch.save(model.state_dict(), {"format": "pt"})
    return known | {"weights_sha256": hashlib.sha256(weights).hexdigest()}


def _annotations(raw: "mne.io.BaseRaw") -> list[tuple[float, float, str]]:
    """(onset, duration, description), in seconds as MNE counts them."""
    own = raw.annotations
    return list(zip(own.onset.tolist(), own.duration.tolist(), own.description.tolist(), strict=True))


def _by_channel(raw: "mne.io.BaseRaw") -> list[tuple[float, float, str, str]]:
    """(onset from the first sample, duration, description, channel), seconds; an empty channel means all."""
    return [
        (onset - raw.first_time, duration, description, channel)
        for (onset, duration, description), channels in zip(_annotations(raw), raw.annotations.ch_names, strict=True)
        for channel in channels or ("",)
    ]


def _write_edf(raw: "mne.io.BaseRaw", path: Path, told: dict[str, Any] | None) -> None:
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
    # MNE's notation for the channel; bytes below 32 end a text
    annotations = [
        EdfAnnotation(onset, duration, re.sub(r"[\x00-\x1f]", " ", text) + (f"@@{channel}" if channel else ""))
        for onset, duration, text, channel in _by_channel(raw)
    ]
    began = raw.info["meas_date"] and raw.info["meas_date"] + timedelta(seconds=raw.first_time)
    began = began if began and began.year in _EDF_YEARS else None
    edf = Edf(
        signals,
        patient=_edf_patient(raw.info["subject_info"] or {}),
        recording=_edf_recording(began, told),
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


def _edf_recording(began: Any, told: dict[str, Any] | None) -> Any:
    """Description of a recording: begin of the generated part in seconds, and as many other facts as fit."""
    from edfio import Recording

    date = began.date() if began else None
    if told is None:
        return Recording(startdate=date)
    words = [f"generated_from_{span['onset']:.3f}_s" for span in told.get("generated", ())[:1]]
    words += ["imputed_" + _edf_word("_".join(told["imputed"]))[:24]] if "imputed" in told else []
    if "seed" in told:
        words.append(f"seed_{told['seed']}")
    if "checkpoint" in told:
        words.append(_edf_word(re.sub("(@.{7}).*", r"\1", told["checkpoint"])))  # a commit, as Git shortens it
    equipment = _edf_word(f"{MAKER}_{told['version']}")
    room = _EDF_FIELD - len(f"Startdate {'01-JAN-2000' if date else 'X'} X X ")
    kept = [word for n, word in enumerate(words) if len(" ".join([equipment, *words[: n + 1]])) <= room]
    return Recording(startdate=date, equipment_code=equipment, additional=kept)


def _edf_word(text: str) -> str:
    """Text as a word of EDF's header: ASCII without blanks, X for an empty text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^!-~]+", "_", plain.strip()) or "X"


def _edf_record(n_times: int, rate: float) -> tuple[int, float]:
    """Chooses the length of EDF's data records; a file holds a whole number of records.

    The length lies between 1/4 and 10 seconds. It fits exactly into the header's 8 characters, needs the fewest
    samples of padding (nearly always none) and is nearest to the customary second.

    Returns:
        Samples per record, and its duration in seconds.
    """
    shortest, longest = max(1, int(rate / 4)), max(1, min(int(10 * rate), n_times))
    samples = min(
        range(min(shortest, longest), longest + 1),
        key=lambda length: (len(repr(length / rate)) > 8, -n_times % length, abs(length - rate)),
    )
    return samples, float(repr(samples / rate)[:8])


def _write_fif(raw: "mne.io.BaseRaw", path: Path, told: dict[str, Any] | None) -> None:
    if told:
        raw = copy.copy(raw)  # shares the samples
        raw.info = raw.info.copy()
        parts = [f"{GENERATED} from {span['onset']:.3f} s on" for span in told.get("generated", ())[:1]]
        parts += [f"{IMPUTED}: {', '.join(told['imputed'])}"] if "imputed" in told else []
        said = raw.info["description"] or "; ".join(parts)
        words = [f"{MAKER} {told['version']}"]
        words += [f"{name} {told[name]}" for name in ("checkpoint", "weights_sha256", "seed") if name in told]
        raw.info["description"] = f"{said} ({', '.join(words)})"
    raw.save(path, verbose="ERROR")  # without the notice that MNE prefers names in _raw.fif


def _write_npz(raw: "mne.io.BaseRaw", path: Path, told: dict[str, Any] | None) -> None:
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
        generated=json.dumps(told, ensure_ascii=False) if told else "",
    )
