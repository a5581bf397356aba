# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What runs behind the page: limits, patches as they come, several at once, surprise, classes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from get_hf import CHECKPOINT, GETConfig, GETForSequenceClassification, load_pretrained, save_recording
from get_hf.space import session
from get_hf.space.session import Wishes
from synthetic import make_raw


def upload(tmp_path, name="x.edf", **options):
    save_recording(make_raw(**options), tmp_path / name)
    return tmp_path / name


def test_of_a_long_recording_the_end_is_read(tmp_path):
    path = upload(tmp_path, seconds=40.0)
    raw, notes = session.read_upload(path)
    assert raw.n_times / 160 == pytest.approx(30.0, abs=0.02)
    np.testing.assert_allclose(raw.get_data()[:, -1], make_raw(seconds=40.0).get_data()[:, -1], atol=1e-7)
    assert notes == ["Of 40 s the last 30 s are read."]


def test_ignored_channels_are_noted(tmp_path):
    raw, notes = session.read_upload(upload(tmp_path, ch_names=["C3", "C4", "ECG"]))
    assert raw.ch_names == ["C3", "C4"]
    assert notes == ["x.edf: left out what is not scalp EEG: ECG."]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.edf", b"no EEG at all\n" * 50, "^x.edf is not an EDF or BDF file"),
        ("x.txt", b"1 2 3", "^x.txt is none of .edf, .bdf, .fif, .set"),
        ("x.bdf", b"", "^x.bdf is not an EDF or BDF file"),
    ],
)
def test_unreadable_files_are_refused_without_naming_the_servers_folders(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=expected) as error:
        session.read_upload(tmp_path / name)
    assert str(tmp_path) not in str(error.value)


def test_a_file_deleted_meanwhile_is_asked_for_again(tmp_path):
    with pytest.raises(ValueError, match=r"^gone\.edf has been deleted since it was uploaded"):
        session.read_upload(tmp_path / "gone.edf")


def test_a_file_too_large_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "MAX_MEGABYTES", 0.01)
    monkeypatch.setattr(session, "load_recording", lambda path: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=r"x\.edf has 0 MB, and at most 0.01 MB"):
        session.read_upload(upload(tmp_path))


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({"seconds": 61.0}, "61 s were asked for"),
        ({"seconds": 0.0}, "0 s were asked for"),
        ({"seconds": float("nan")}, "nan s were asked for"),
        ({"ch_names": ["Cz"] * 33}, "33 channels were chosen"),
        ({"seed": -1}, "seed is -1"),
        ({"temperature": 0.0}, "temperature is 0"),
        ({"guidance": 2.0}, "none was chosen"),
        ({"guidance": 9.0, "condition": "rest"}, "guidance is 9"),
    ],
)
def test_wishes_beyond_the_limits_are_refused(wishes, expected):
    with pytest.raises(ValueError, match=expected):
        Wishes(**wishes)


def test_the_10_20_system_is_chosen_however_it_is_spelt():
    cap = ["Fc5.", "Fp1.", "Fp2.", "F7..", "F3..", "Fz..", "T7..", "O1..", "O2..", "Iz.."]
    assert session.usual_channels(cap) == ["Fp1.", "Fp2.", "F7..", "F3..", "Fz..", "T7..", "O1..", "O2.."]


def test_where_its_electrodes_are_few_the_first_channels_are_chosen():
    names = [f"E{number}" for number in range(40)]
    assert session.usual_channels(names) == names[:32]


def test_the_stream_grows_to_what_generate_returns(tiny):
    model, extractor = tiny
    wishes = Wishes(2.0, condition="rest", seed=3)
    features = session.prepare(extractor, make_raw(), wishes).features
    lengths, so_far = [], None
    for so_far in session.stream(model, features, wishes):
        lengths.append(so_far.shape[-1])
    assert lengths == sorted(set(lengths))
    whole = model.generate(**features, seconds=2.0, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(so_far, whole)


def test_simultaneous_users_get_the_same_as_alone(tiny):
    model, extractor = tiny

    def run(seed: int) -> torch.Tensor:
        wishes = Wishes(2.0, seed=seed)
        *_, last = session.stream(model, session.prepare(extractor, make_raw(seed=seed), wishes).features, wishes)
        return last

    alone = [run(seed) for seed in range(3)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(run, range(3)))
    for a, b in zip(alone, together, strict=True):
        torch.testing.assert_close(a, b)
    assert not torch.equal(alone[0], alone[1])


def test_a_user_who_leaves_stops_the_generation(tiny):
    model, extractor = tiny
    wishes = Wishes(60.0)
    before = threading.active_count()
    patches = session.stream(model, session.prepare(extractor, None, wishes).features, wishes)
    next(patches)
    patches.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_a_failure_of_generate_reaches_the_page(tiny, monkeypatch):
    model, extractor = tiny
    wishes = Wishes(1.0)
    features = session.prepare(extractor, None, wishes).features
    del features["channel_positions"]
    with pytest.raises(ValueError, match="needs channel_positions"):
        list(session.stream(model, features, wishes))


def test_generation_ends_when_its_time_is_over(tiny, monkeypatch):
    monkeypatch.setattr(session, "MAX_WALL_SECONDS", 0.05)
    model, extractor = tiny
    wishes = Wishes(60.0)
    *_, last = session.stream(model, session.prepare(extractor, None, wishes).features, wishes)
    assert last.shape[-1] < 6000


@pytest.mark.parametrize("raw", [None, make_raw()], ids=["nothing", "recording"])
def test_every_patch_is_scored(tiny, raw):
    model, extractor = tiny
    wishes = Wishes(1.0)
    features = session.prepare(extractor, raw, wishes).features
    *_, generated = session.stream(model, features, wishes)
    score = session.surprise(model, features, generated)
    assert score.shape == (generated.shape[1], generated.shape[-1] // 25 - 1)
    assert np.isfinite(score[:, 1:]).all()


def test_an_artefact_surprises(tiny):
    model, extractor = tiny
    raw = make_raw()
    raw._data[:, 1280:1320] += 300e-6  # at 8 s
    wishes = Wishes(1.0)
    features = session.prepare(extractor, raw, wishes).features
    *_, generated = session.stream(model, features, wishes)
    assert np.nanmean(session.surprise(model, features, generated), axis=0).argmax() == pytest.approx(32, abs=1)


def test_eeg_from_the_default_seed_is_scored_like_its_continuation():
    model, extractor = load_pretrained(CHECKPOINT)
    wishes = Wishes(4.0, condition="eyes_closed", seed=0)
    features = session.prepare(extractor, make_raw(), wishes).features
    *_, generated = session.stream(model, features, wishes)
    score = np.nanmean(session.surprise(model, features, generated), axis=0)
    assert score.min() > np.median(score) - 8


def test_the_example_is_a_recording_like_any_other(tiny):
    raw = session.example(*tiny)
    assert raw.n_times / raw.info["sfreq"] == session.EXAMPLE_SECONDS
    assert len(raw.annotations) == 0
    assert tuple(raw.ch_names) == session.USUAL_CHANNELS


def test_a_classifier_names_its_classes(tiny):
    model, extractor = tiny
    sizes = {name: getattr(model.config, name) for name in ("hidden_size", "num_hidden_layers", "intermediate_size")}
    config = GETConfig(num_attention_heads=2, id2label={0: "open", 1: "closed"}, **sizes)
    classifier = GETForSequenceClassification(config).eval()
    classes = session.classify(classifier, session.prepare(extractor, make_raw(), Wishes()).features)
    assert set(classes) == {"open", "closed"}
    assert sum(classes.values()) == pytest.approx(1.0)
