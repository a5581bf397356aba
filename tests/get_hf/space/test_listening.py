# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Listening in the page without a browser: what a visitor sees, and what ends it."""

import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio")
from get_hf import save_recording
from get_hf.live.hearing import RecordingSource
from get_hf.live.judging import Forecast
from get_hf.live.listener import Listener
from get_hf.live.running import Heard
from get_hf.pretrained import CLASSIFIERS
from get_hf.scoring import score_recording
from get_hf.space import listening, looks
from get_hf.space.disk import Disk
from get_hf.space.live_scene import Scene, Traces
from get_hf.space.page import EXAMPLE, NOTHING, UPLOAD, Page, Visitor
from get_hf.space.runs import Run
from synthetic import make_raw

ALICE = Visitor("tab of Alice", "10.0.0.1")
EYES = "Eyes open or closed"
WISHES = {"stream": "", "question": EYES, "speed": 8.0, "usual_seconds": 20.0, "width": 1400.0}
needs_classifiers = pytest.mark.skipif(not (CLASSIFIERS / "eyes").is_dir(), reason="no classifiers are shipped")


def text(message: str) -> str:
    return re.sub("<[^>]+>", " ", message)


def listen(page, source=UPLOAD, path=None, ch_names=(), **changes):
    return page.listen(ALICE, source, path, list(ch_names), *(WISHES | changes).values())


@pytest.fixture(scope="module")
def raw():
    """Forty seconds, of which the last ones are much louder than what is usual."""
    raw = make_raw(40.0, seed=2)
    raw._data[:, 160 * 32 :] *= 8
    return raw


@pytest.fixture(scope="module")
def recording(raw, tmp_path_factory):
    path = tmp_path_factory.mktemp("upload") / "cap <b>.edf"
    save_recording(raw, path)
    return str(path)


@needs_classifiers
def test_eeg_scrolls_and_is_judged_while_it_arrives(page, recording, raw, monkeypatch):
    monkeypatch.setattr(listening, "FRAME_SECONDS", 0.0)
    updates = list(listen(page, path=recording))
    assert text(updates[0]["message"]).strip() == "Reading"
    assert [update["stop"]["visible"] for update in updates if "stop" in update] == [True, False]
    frames = [update for update in updates if update.get("live")]
    said = [text(frame["message"]) for frame in frames]
    assert any(re.search(r"Learning what is usual: \d+ of 20 s\.", each) for each in said)
    heard = [re.search(r"Listening to cap &lt;b&gt;\.edf: 0:(\d+) of 0:40\.", each) for each in said]
    seconds = [int(each[1]) for each in heard if each]
    assert seconds == sorted(seconds)
    assert {24, 28, 32, 36} <= set(seconds)  # at no speed is a second left out
    assert any(re.search(r"Surprise -?\d+\.\d, usual\. Eyes (open|closed): \d+ %", each) for each in said)
    assert any("unusual." in each for each in said)
    last = frames[-1]["live"]
    assert len({frame["live"] for frame in frames}) == len(frames)  # each shows something new
    assert all(f'id="live-{name}"' in last for name in ("traces", "surprise", "classes"))
    assert all(name.strip(".") in text(last) for name in raw.ch_names)
    assert "Look" in text(last)
    assert re.search(r"Heard 0:40: \d unusual moments?, \d", said[-1])


def test_what_it_says_is_what_the_recording_scores(page, recording, raw):
    """The page hears the recording with the same listener as `get-hf listen`."""
    source, usual = listening.play(raw, raw.ch_names, "x", listening.Wishes(8.0, 20.0))
    assert usual == 20.0
    *_, last = listening.listen(
        Run(), source, (page.model, page.extractor), None, usual, listening.Wishes(8.0, 20.0), 60.0, ["a note"]
    )
    reference = Listener(page.model, page.extractor, raw.info, reference_seconds=20.0)
    reference.push(1e6 * raw.get_data(), np.arange(raw.n_times) / 160)
    scores = score_recording(raw, page.model, page.extractor, reference.reference)
    assert f"{len(scores.events)} unusual moment" in text(last["message"])
    assert "a note" in text(last["message"])
    assert "Only 20 s show what is usual" in text(last["message"])


@pytest.mark.parametrize(
    ("source", "changes", "expected"),
    [
        (NOTHING, {}, "There is nothing to listen to"),
        (UPLOAD, {}, "There is nothing to listen to"),
        (EXAMPLE, {"speed": 3.0}, "The speed is 3, and must be one of real speed, 2x"),
        (EXAMPLE, {"usual_seconds": 5.0}, "must be 20 to 60 s"),
        (EXAMPLE, {"stream": "GET"}, "LSL streams are heard by a page on your own machine"),
    ],
)
def test_what_cannot_be_heard_is_told_in_a_sentence(page, source, changes, expected):
    *_, last = listen(page, source, **changes)
    assert 'class="get-message error"' in last["message"]
    assert expected in text(last["message"])
    assert last["stop"]["visible"] is False
    assert "live" not in last


def bad(name: str, folder: Path) -> Path:
    raw = make_raw(12.0 if name == "short" else 41.0)
    raw._data = {"wrong unit": 1e6, "flat": 0.0}.get(name, 1.0) * raw._data
    save_recording(raw, path := folder / f"{name}.fif")
    if name == "text":
        path.write_text("no EEG")
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("short", "short.fif is 12 s long, and half of it shows what is usual, 20 s at least: choose a recording"),
        ("wrong unit", "perhaps microvolts"),
        ("flat", "flat"),
        ("text", "text.fif"),
    ],
)
def test_a_recording_that_is_no_eeg_is_one_sentence(page, tmp_path, name, expected):
    path = bad(name, tmp_path)
    last = list(listen(page, path=str(path)))[-1]
    said = text(last["message"]).replace("&#x27;", "'")
    assert 'class="get-message error"' in last["message"]
    assert expected in said
    assert str(tmp_path) not in said
    assert said.strip().count(". ") == 0  # one sentence
    assert last["stop"]["visible"] is False


def test_too_many_channels_and_strange_ones(page, recording):
    for ch_names, expected in ((["Q9"], "Q9 was chosen"), (["Cz"] * 33, "at most 32 are used")):
        assert expected in text(list(listen(page, path=recording, ch_names=ch_names))[-1]["message"])


def next_frame(updates):
    return next(update for update in updates if "Listening to" in update.get("message", ""))


def test_stop_keeps_the_picture(page, recording):
    updates = listen(page, path=recording, speed=1.0)
    next_frame(updates)
    page.runs.stop(ALICE.tab)
    began = time.monotonic()
    *_, last = updates
    assert time.monotonic() - began < 20  # and not the 25 s that the recording still has
    assert re.match(r" Heard 0:[12]\d: no unusual moment", text(last["message"]))
    assert 'id="live-traces"' in last["live"]
    assert "judged up to here" not in last["live"]
    assert last["stop"]["visible"] is False


def test_leaving_ends_it(page, recording):
    updates = listen(page, path=recording, speed=1.0)
    next_frame(updates)
    updates.close()  # what gradio does when a tab is closed
    assert page.runs._tabs == {}
    updates = listen(page, path=recording, speed=1.0)
    next_frame(updates)
    page.runs._tabs[ALICE.tab].cancelled = True
    assert list(updates) == [looks.nothing()]
    assert looks.nothing()["live"] == ""


def test_listening_ends_after_some_time(page, recording, monkeypatch):
    monkeypatch.setattr(listening, "HOSTED_SECONDS", 0.5)
    *_, last = listen(page, path=recording, speed=1.0)
    assert "Ended after 0 s: press Listen again to hear more." in text(last["message"])


def test_a_long_recording_is_played_from_its_last_minutes(page, tmp_path, monkeypatch):
    monkeypatch.setattr(listening, "MAX_PLAYED_SECONDS", 45.0)
    save_recording(make_raw(50.0), tmp_path / "long.edf")
    updates = listen(page, path=str(tmp_path / "long.edf"))
    assert "of 0:45." in text(next_frame(updates)["message"])
    updates.close()


def test_the_example_is_made_once_and_has_what_is_said_of_it(page, monkeypatch):
    monkeypatch.setattr(listening, "PLAN", [("eyes_open", 6.0), ("eyes_closed", 6.0)] * 2)
    monkeypatch.setattr(listening, "MUSCLES", (18.0, 2.0))
    example = listening.Example(page.model, page.extractor)

    def ready(run):
        generator = example.ready(run)
        updates = []
        while True:
            try:
                updates.append(next(generator))
            except StopIteration as end:
                return end.value, updates

    stopped = Run()
    stopped.stopped = True
    assert ready(stopped)[0] is None
    raw, _ = ready(Run())
    assert raw.times[-1] == pytest.approx(24.0, abs=0.02)
    fast = np.diff(raw.get_data(["T7"])[0])
    assert fast[1850:1950].std() > 1.5 * fast[:1700].std()  # muscles
    again, updates = ready(Run())
    assert again is raw
    assert updates == []


def test_the_first_seconds_are_hurried_through_and_the_others_keep_their_time(raw):
    now, waited = [0.0], []

    def wait(seconds):
        waited.append(seconds)
        now[0] += seconds

    source = RecordingSource(raw, "x", 2.0, clock=lambda: now[0], wait=wait, hurried_seconds=30.0)
    n_samples = 0
    while n_samples < raw.n_times:
        block = source.read(0.5)
        n_samples += 0 if block is None else block.samples.shape[-1]
        if n_samples <= 160 * 30:
            assert waited == []
    assert now[0] == pytest.approx(5.0, abs=0.1)  # ten seconds at twice the speed


def test_traces_are_those_of_the_recording_without_drift_and_end_at_gaps():
    raw = make_raw(20.0, 500.0, seed=3)
    samples = 1e6 * raw.get_data() + 3000 + np.linspace(0, 300, raw.n_times)
    traces = Traces(len(samples), 500.0, 6.0)
    for at in range(0, raw.n_times, 37):
        traces.take(samples[:, at : at + 37], (at + samples[:, at : at + 37].shape[-1]) / 500, False)
    assert len(traces.times) == 601  # a fifth of the samples
    np.testing.assert_allclose(np.diff(traces.times), 0.01, atol=1e-9)
    assert traces.times[-1] == pytest.approx(20.0, abs=0.02)
    places = np.rint(traces.times * 500).astype(int)
    expected = raw.copy().filter(0.5, 45.0, method="iir", verbose="ERROR").get_data(units="uV")[0, places]
    assert np.corrcoef(expected[50:-50], traces.values[0, 50:-50])[0, 1] > 0.8  # its filter delays a little
    dead = samples[:, :100].copy()
    dead[2, 50:] = np.nan
    traces.take(dead, 22.0, True)
    assert np.isnan(traces.values).all(axis=0).sum() == 1  # the interruption
    traces.take(samples[:, :100], 22.2, False)
    assert np.isnan(traces.values).all(axis=0).sum() == 1
    assert np.isnan(traces.values).any(axis=0).sum() == 1


def test_forecasts_are_compared_with_what_came(page, raw):
    listener = Listener(page.model, page.extractor, raw.info, reference_seconds=15.0)
    scene = Scene(listener, 100.0, n_draws=3)
    samples, times = 1e6 * raw.get_data(), np.arange(raw.n_times) / 160
    scene.take(Heard(samples[:, :4000], False, listener.push(samples[:, :4000], times[:4000])))
    assert np.isnan(scene.within)
    begins = scene.judged - 2.0  # a forecast that a slow computer completes after its time has come
    _, came = scene.clean(begins, scene.judged)
    assert came.shape == (8, 200)
    draws = np.stack([came - 1, came, came + 1])
    draws[:, :2] += 5  # two of eight channels lie outside
    scene.take_forecast(Forecast(came, draws, begins))
    future = np.full((3, 8, 200), np.nan)
    future[:, 1:] = 0.0
    scene.take_forecast(Forecast(came, future, scene.judged))
    scene.take(Heard(samples[:, :0], False, []))
    assert scene.within == 6 / 8
    scene.take(Heard(samples[:, 4000:4800], False, listener.push(samples[:, 4000:4800], times[4000:4800])))
    assert scene.within == pytest.approx(6 / 15)  # of which none has the value 0 for ever
    shown = looks.live(scene, 390.0)
    assert 'id="live-forecast"' in shown
    assert "40 % of the samples came within" in shown
    assert "50 % of it should" in shown
    assert 'id="live-classes"' not in shown  # no classifier


def test_names_hold_no_markup(page):
    raw = make_raw(25.0)
    raw.rename_channels({raw.ch_names[0]: "<b>x"})
    listener = Listener(page.model, page.extractor, make_raw(1.0).info, reference_seconds=15.0)
    listener.ch_names[0] = "<b>x"
    scene = Scene(listener, 100.0)
    scene.take(Heard(1e6 * raw.get_data(), False, []))
    shown = looks.live(scene, 1400.0)
    assert "&lt;b&gt;x" in shown
    assert "<b>x" not in shown


def test_only_a_page_of_ones_own_hears_lsl(tiny_checkpoint, page, tmp_path, monkeypatch):
    assert not page.hears_lsl
    with Disk(tmp_path) as disk:
        monkeypatch.setattr(listening, "can_hear_lsl", lambda: True)
        assert Page(tiny_checkpoint, None, disk, is_own=True).hears_lsl
        monkeypatch.setattr(listening, "can_hear_lsl", lambda: False)
        assert not Page(tiny_checkpoint, None, disk, is_own=True).hears_lsl


def test_an_lsl_stream_is_heard_and_one_that_is_not_there_is_a_sentence(tiny_checkpoint, tmp_path):
    lsl = pytest.importorskip("mne_lsl.lsl")
    raw = make_raw(40.0, seed=2)
    info = lsl.StreamInfo("page cap", "EEG", len(raw.ch_names), 160.0, "float32", "page-cap")
    info.set_channel_names(raw.ch_names)
    outlet, stopped = lsl.StreamOutlet(info), threading.Event()
    samples = np.ascontiguousarray(1e6 * raw.get_data().T, dtype=np.float32)

    def send():
        outlet.wait_for_consumers(60)
        start = lsl.local_clock()
        for at in range(0, len(samples), 64):  # twenty times as fast as time stamps say
            outlet.push_chunk(samples[at : at + 64], start + (at + 63) / 160)
            if stopped.wait(0.02):
                return

    with Disk(tmp_path) as disk:
        page = Page(tiny_checkpoint, None, disk, is_own=True)
        *_, last = listen(page, NOTHING, stream="no such cap", question=None)
        assert "There is no LSL stream of the name no such cap" in text(last["message"])
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        said = []
        for update in listen(page, NOTHING, stream=" page cap ", question=None, usual_seconds=20.0):
            said.append(text(update.get("message", "")))
            if re.search(r"Listening to page cap: 0:[123]\d\. Surprise", said[-1]):  # nobody knows when it ends
                page.runs.stop(ALICE.tab)
        stopped.set()
        sender.join(10)
    assert any("Learning what is usual:" in each for each in said)
    assert "Heard 0:" in said[-1]
