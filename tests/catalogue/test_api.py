# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Bad arguments of the API: each is refused in one sentence that says what would be right."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub.errors import StrictDataclassError

from get_hf import (
    GETClassifier,
    GETFeatureExtractor,
    GETModel,
    GETModule,
    export_step,
    load_pretrained,
    load_recording,
    save_recording,
)
from get_hf.modeling.configuration_get import RANGES
from get_hf.outputs import check_output
from small import NAMES, RATE, as_raw, continued, signal, small_config
from synthetic import make_raw

NAN, INF = math.nan, math.inf
#: How a recording is given where nothing is wrong with it.
GIVEN = {"sampling_rate": RATE, "ch_names": NAMES, "unit": "uV"}
EEG = signal(2.0)


def broken(value: float) -> np.ndarray:
    changed = EEG.copy()
    changed[1, 7] = value
    return changed


#: Of the feature extractor's call: by argument, values that mean nothing, and what the answer has to mention.
DESCRIPTIONS = {
    "sampling_rate": ([None, 0, -160, NAN, INF, 1e9, 0.16, "fast", [160], {}], "sampling_rate"),
    "unit": ([None, "", "volts", "m", 1, ["uV"], 1e-6, "dB"], "unit"),
    "ch_names": ([None, [], NAMES[:3], [*NAMES, "Fz"], "C3", 4, [["C3", "Cz"], ["C4", "Pz"]]], "name"),
    "condition": (["asleep", "", 3, ["eyes_open"] * 2, ["asleep"], b"eyes_open", ("eyes_open", 5)], "condition"),
    "annotation_conditions": ([{"T1": "asleep"}, {"T1": 3}, "T1", ["T1"], 5], "condition"),
    "context_seconds": ([0, -1, NAN, INF, "all", [8]], "context_seconds"),
    "person": ([0, 1, [0], "Jane"], "person"),
    "return_tensors": (["tf", "", 3, ["pt"], {}], "return_tensors"),
}
#: In the place of a recording.
RECORDINGS = {
    "one axis": (EEG[0], "channel axis"),
    "four axes": (EEG[None, None], "channels, times"),
    "no samples": (EEG[:, :0], "empty"),
    "no channels": (EEG[:0], "channels"),
    "no items": (EEG[None][:0], "no recording"),
    "shorter than a patch": (EEG[:, :20], "shorter than one patch"),
    "flat": (0 * EEG, "flat"),
    "an offset": (0 * EEG + 1e3, "flat"),
    "NaN": (broken(NAN), "NaN or infinite"),
    "infinite": (broken(INF), "NaN or infinite"),
    "volts as microvolts": (1e-6 * EEG, "unit"),
    "microvolts as volts": (1e6 * EEG, "unit"),
    "complex": (EEG * 1j, "EEG"),
    "text": (np.array([["a", "b"]] * 4), "EEG"),
    "objects": (np.array([[object()] * 99] * 4), "EEG"),
    "dates": (np.zeros((4, 99), "datetime64[s]"), "EEG"),
    "uneven rows": ([[1.0, 2.0], [1.0]], "EEG"),
    "a number": (5, "channel"),
    "a mapping": ({"data": EEG}, "EEG"),
    "a function": (len, "EEG"),
    "bytes": (b"0       ", "EEG"),
    "an empty list": ([], "empty"),
    "a list of an empty list": ([[]], "channel"),
    "a list with nothing in it": ([None], "EEG"),
}
#: From nothing.
NOTHING = {
    "ch_names": ([None, [], "Cz", ["Qz"], ["Cz", "Qz"], [""], [3], 3], "Cz|name|channel"),
    "sampling_rate": ([0, -1, NAN, INF, 1e9, "fast", [100]], "sampling_rate"),
    "unit": (["uV", "V"], "unit"),
    "condition": (["asleep", 3, ["eyes_open", "eyes_closed"]], "condition"),
    "person": ([-1, 1.5, NAN, "Jane", [], [0, -1], True, {}], "person"),
}
#: Options of `generate`.
OPTIONS = {
    "seconds": ([0, -1, NAN, INF, "long", [1], {}], "seconds"),
    "max_new_tokens": ([0, -1, "many"], "max_new_tokens"),
    "temperature": ([-1, NAN, INF, "hot", [1]], "temperature"),
    "num_flow_steps": ([0, -1, 1.5, NAN, "few", [1]], "num_flow_steps"),
    "burst_correlation": ([-0.1, 1.1, NAN, INF, "much"], "burst_correlation"),
    "modulation_depth": ([-0.1, NAN, INF, "deep"], "modulation_depth"),
    "guidance_scale": ([NAN, INF, -INF, -1, "far"], "guidance"),
    "num_return_sequences": ([0, -1], "num_return_sequences"),
    "num_beams": ([2], "num_beams"),
    "top_k": ([5], "top_k"),
    "top_p": ([0.5], "top_p"),
    "repetition_penalty": ([1.5], "repetition_penalty"),
    "eos_token_id": ([1], "eos_token_id"),
    "bad_words_ids": ([[[1]]], "bad_words_ids"),
    "min_new_tokens": ([3], "min_new_tokens"),
    "prefill_chunk_size": ([2], "prefill_chunk_size"),
    "max_length": ([100], "max_length"),
    "channel_positions": ([None], "channel_positions"),
    "second": ([1], "second"),
}
#: Arguments of the configuration.
SETTINGS = {
    **{name: [0, -1, 1.5, "big", None, 10**9] for name in RANGES if name.endswith(("size", "layers", "heads"))},
    "sampling_rate": [0.0, -1.0, "fast", None, NAN, INF],
    "sliding_window": [0, 1, -1, "wide"],
    "conditions": [[], ["rest", "rest"], "rest", 3, None],
    "flow_bands": [[25, 1], [0, 25], [-1, 26], "all", 3],
    "hidden_sise": [16],
}
#: Arguments of the feature extractor's constructor.
CONSTANTS = {
    "sampling_rate": [0, -1, NAN, INF, "fast", None, [100]],
    "patch_size": [0, -1, NAN, "big", None],
    "band": [[], [1], [1, 2, 3], [45, 0.5], [0, 45], [0.5, 99], "alpha", None, [NAN, 45]],
    "conditions": [[], ["rest", "rest"], "rest", [1, 2], None],
    "population": ["population.safetensors", {}, 3],
    "corrections": ["none", [], {"none": 1}],
    "prior_patches": [0, -1, "many"],
    "patch_sise": [25],
}

#: Parameters of `GETClassifier`, which `fit` checks.
CLASSIFIER = {
    "method": ["frozen", None, 3],
    "epochs": [0, -1, 1.5, "many", True, None],
    "batch_size": [0, 1.5, "all", None],
    "learning_rate": [0, -1, NAN, INF, "fast", None],
    "strength": [0, -1, NAN, INF, "strong"],
    "calibrate_on": ["none", None, 3],
    "sampling_rate": [None, 0, NAN, "fast"],
    "ch_names": [None, NAMES[:3], "C3"],
    "unit": [None, "", "m", 1],
    "checkpoint": ["no/such/folder", ""],
}
#: Arguments of `GETModule`.
MODULE = {
    "n_chans": [3, 5],
    "n_outputs": [None],
    "chs_info": [None],
    "sfreq": [None],
    "input_window_seconds": [7.0],
    "unit": [None, "T", 3],
    "calibrate_on": ["none", None, EEG.tolist()],
    "checkpoint": ["no/such/folder"],
}
#: Arguments of `export_step`.
STEP = {
    "path": ["step", "step.pt", "", ".", "nowhere/step.pt2", "step.onnx.gz"],
    "n_channels": [0, -1, 1.5, NAN, "many", None, [20], True],
    "n_streams": [0, -1, 1.5, INF, "one", None],
    "temperature": [-1, NAN, "hot"],
    "num_flow_steps": [0, 1.5, "few"],
    "burst_correlation": [-0.1, 1.1, "much"],
    "modulation_depth": [-0.1, INF, "deep"],
    "guidance_scale": [2.0],
    "seconds": [1.0],
    "top_k": [5],
}


def flat(table: dict[str, tuple[list, str]]) -> list:
    """A case for each value of each argument."""
    return [
        pytest.param(name, value, mentions, id=f"{name}-{number}")
        for name, (values, mentions) in table.items()
        for number, value in enumerate(values)
    ]


def rows(table: dict[str, list]) -> list:
    return flat({name: (values, name) for name, values in table.items()})


@pytest.fixture(scope="module")
def model():
    return GETModel(small_config()).eval()


@pytest.fixture(scope="module")
def extractor():
    return GETFeatureExtractor()


@pytest.fixture
def refused() -> Iterator[Any]:
    """Checks that what is done inside is answered by one sentence that mentions what it is about."""

    def of(mentions: str) -> Any:
        return pytest.raises((ValueError, OSError), match=rf"(?is)^(?=.*({mentions}))[^\n]{{20,}}$")

    return of


@pytest.mark.parametrize(("name", "value", "mentions"), flat(DESCRIPTIONS))
def test_what_a_recording_cannot_be_described_by(extractor, refused, name, value, mentions):
    with refused(mentions):
        extractor(EEG, **GIVEN | {name: value})


@pytest.mark.parametrize("case", RECORDINGS)
def test_what_is_no_recording(extractor, refused, case):
    recording, mentions = RECORDINGS[case]
    with refused(mentions):
        extractor(recording, **GIVEN)


@pytest.mark.parametrize(("name", "value", "mentions"), flat(NOTHING))
def test_what_cannot_be_imagined(extractor, refused, name, value, mentions):
    with refused(mentions):
        extractor(**{"ch_names": ["Cz", "Oz"]} | {name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("sampling_rate", 100), ("unit", "uV"), ("ch_names", NAMES), ("unit", "mV")]
)
def test_what_an_mne_object_says_itself(extractor, refused, name, value):
    with refused(f"leave {name} out|ch_names"):
        extractor(as_raw(EEG), **{name: value})


@pytest.mark.parametrize(("name", "value", "mentions"), flat(OPTIONS))
def test_what_cannot_be_generated(model, extractor, refused, name, value, mentions):
    features = extractor(ch_names=["Cz", "Oz"])
    how_long = {} if name in ("seconds", "max_new_tokens") else {"seconds": 0.5}
    with refused(mentions):
        model.generate(**features | how_long | {name: value})


@pytest.mark.parametrize(("name", "value", "mentions"), rows(SETTINGS))
def test_what_no_model_can_be_like(name, value, mentions):
    with pytest.raises((ValueError, StrictDataclassError), match=mentions):
        small_config(**{name: value})


@pytest.mark.parametrize("version", [0, 99])
def test_formats_that_this_version_does_not_read(refused, version):
    with refused(f"format {version}"):
        small_config(format_version=version)


@pytest.mark.parametrize(("name", "value", "mentions"), rows(CONSTANTS))
def test_what_no_feature_extractor_can_be_like(refused, name, value, mentions):
    with refused(mentions):
        GETFeatureExtractor(**{name: value})


@pytest.mark.parametrize(
    ("change", "mentions"),
    [
        (lambda made: made[:, :2], "channels"),
        (lambda made: made[:, :, :-3], "whole patches"),
        (lambda made: made[:, :, :30], "prompt"),
        (lambda made: made[0], "features"),
        (lambda made: made[:0], "features"),
        (lambda made: np.concatenate([made, made, made])[:3, :2], "channels"),
        (lambda made: "text", "not str"),
        (lambda made: None, "not NoneType"),
        (lambda made: [[1.0], [1.0, 2.0]], "not list"),
        (lambda made: {"sequences": made}, "not dict"),
    ],
)
def test_what_cannot_be_decoded(extractor, refused, change, mentions):
    features = extractor(EEG, **GIVEN)
    with refused(mentions):
        extractor.decode(change(continued(features)), features)


@pytest.mark.parametrize("features", [None, 3, "features", {}, [], [None], [3], [{}], [EEG], EEG])
def test_what_cannot_be_padded(extractor, refused, features):
    with refused(r"pad\(\)"):
        extractor.pad(features)


@pytest.mark.parametrize("output", ["edf", "", None, 3, "RAW", ["raw"]])
def test_what_nothing_is_decoded_to(extractor, refused, output):
    features = extractor(EEG, **GIVEN)
    with refused("decode"):
        extractor.decode(continued(features), features, output=output)


@pytest.mark.parametrize("features", [None, {}, 3, "features"])
def test_what_nothing_is_decoded_by(extractor, refused, features):
    with refused("features"):
        extractor.decode(np.zeros((1, 4, 100)), features)


@pytest.mark.parametrize(
    ("name", "mentions"),
    [
        ("o", "must end in"),
        ("o.txt", "must end in"),
        ("o.edf.gz", "must end in"),
        (".edf", "must end in"),
        ("", "must end in"),
        ("nowhere/o.edf", "does not exist"),
        ("folder.edf", "is a folder"),
        ("file.txt/o.edf", "does not exist|not a directory"),
        ("o" * 300 + ".edf", "name too long"),
    ],
)
@pytest.mark.parametrize("write", [lambda path: save_recording(make_raw(2.0), path), check_output])
def test_where_nothing_can_be_written(tmp_path, monkeypatch, refused, write, name, mentions):
    monkeypatch.chdir(tmp_path)
    Path("folder.edf").mkdir()
    Path("file.txt").touch()
    with refused(mentions):
        write(name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "folder.edf"]


@pytest.mark.parametrize("read", [load_recording, load_pretrained])
@pytest.mark.parametrize("name", ["missing", "./missing.edf", "no/such/file.edf", "", "missing.edf/"])
def test_what_is_not_there(tmp_path, monkeypatch, refused, read, name):
    monkeypatch.chdir(tmp_path)
    with refused("no recording|no checkpoint|not a recording|cannot be loaded"):
        read(name)


@pytest.mark.parametrize(("name", "value", "mentions"), rows(CLASSIFIER))
def test_how_no_classifier_is_fitted(inputs, refused, name, value, mentions):
    pytest.importorskip("sklearn")
    with refused(mentions):
        classifier = GETClassifier(**GIVEN | {"checkpoint": inputs / "checkpoint"} | {name: value})
        classifier.fit(np.stack([EEG, 2 * EEG, EEG, 2 * EEG]), [0, 1, 0, 1])


@pytest.mark.parametrize(("name", "value", "mentions"), rows(MODULE))
def test_what_no_module_can_be_like(inputs, refused, name, value, mentions):
    usual = {"n_outputs": 2, "chs_info": NAMES, "n_times": 320, "sfreq": RATE, "checkpoint": inputs / "checkpoint"}
    with refused(mentions):
        GETModule(**usual | {name: value})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in STEP.items() for value in values])
def test_what_cannot_be_exported(model, tmp_path, monkeypatch, refused, name, value):
    monkeypatch.chdir(tmp_path)
    with refused("Cannot write" if name == "path" else name):
        export_step(model, **{"path": "step.pt2", "n_channels": 2} | {name: value})
    assert not list(tmp_path.iterdir())
