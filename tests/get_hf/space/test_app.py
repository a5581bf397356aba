# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The page without a browser: what its functions show."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mne
import numpy as np
import pytest
from transformers import pipeline

pytest.importorskip("gradio")
# gradio is a matter of ten seconds and more; here, and not in each test
from get_hf import load_classifier, load_recording, save_recording
from get_hf.pretrained import CLASSIFIERS
from get_hf.space import app, disk, looks, session
from get_hf.space import page as page_module
from get_hf.space.disk import Disk
from get_hf.space.page import EXAMPLE, NOTHING, OWN_QUESTION, UPLOAD, Page, Visitor
from synthetic import make_raw

WISHES = {"condition": "", "next_condition": "", "seconds": 2.0, "temperature": 1.0, "guidance": 1.0, "seed": 0}
WISHES |= {"width": 1400.0}

ALICE, BOB = Visitor("tab of Alice", "10.0.0.1"), Visitor("tab of Bob", "10.0.0.2")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("upload") / "night <b>.edf"
    save_recording(make_raw(), path)
    return str(path)


def run(page, source=EXAMPLE, path=None, ch_names=(), **changes):
    return list(page.generate(ALICE, source, path, list(ch_names), *(WISHES | changes).values()))


def text(message: str) -> str:
    return re.sub("<[^>]+>", "", message)


def test_a_continuation_grows_and_is_then_measured(page, monkeypatch):
    monkeypatch.setattr(page_module, "FRAME_SECONDS", 0.0)
    updates = run(page)
    growing = [update for update in updates if "get-bar" in update["message"]]
    assert len(growing) >= 1
    assert all('src="data:image/png;base64,' in update["growing"] for update in growing)
    assert updates[-2]["growing"] == ""
    assert updates[-2]["traces"]["value"].type == "plotly"
    assert text(updates[-1]["message"]).startswith("Generated 2 s in")
    assert {"surprise", "classes", ".edf", ".fif", ".png"} <= set(updates[-1])
    assert [update["stop"]["visible"] for update in updates if "stop" in update] == [True, False]
    assert re.search("(open|closed) [0-9]+ %, (open|closed) [0-9]+ %", updates[-1]["classes"])


needs_classifiers = pytest.mark.skipif(not (CLASSIFIERS / "eyes").is_dir(), reason="no classifiers are shipped")


@needs_classifiers
def test_windows_of_a_recording_vote(page, tmp_path):
    save_recording(make_raw(330.0), tmp_path / "long.edf")
    updates = list(page.classify(ALICE, UPLOAD, str(tmp_path / "long.edf"), [], "Eyes open or closed", 1400.0))
    said = text(updates[-1]["message"])
    assert re.match(r"The vote of 150 windows is eyes_(open|closed): eyes_\w+ \d+ % \(\d+ windows\), eyes_", said)
    assert "Of 330 s the last 300 s are read." in said
    assert "Look" in updates[-1]["windows_caption"]
    drawn = json.loads(updates[-1]["windows"]["value"].plot)
    assert {line["name"] for line in drawn["data"]} == {"eyes_open", "eyes_closed"}
    assert updates[0]["traces"]["visible"] is False  # nothing of an earlier run remains
    # what it says is what the pipeline says
    model, extractor = load_classifier("eyes")
    raw = load_recording(tmp_path / "long.edf").crop(30.0)
    told = pipeline("eeg-classification", model=model, feature_extractor=extractor)(raw)
    assert f"is {told[0]['label']}: {told[0]['label']} {100 * told[0]['score']:.0f} %" in said


@needs_classifiers
@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ((NOTHING, None, [], "Eyes open or closed"), "There is no recording to classify"),
        ((UPLOAD, None, [], "Eyes open or closed"), "There is no recording to classify"),
        ((EXAMPLE, None, [], None), "No classifier was chosen"),
        ((EXAMPLE, None, ["Q9"], "Eyes open or closed"), "Q9 was chosen, and the recording has no such channel"),
        ((EXAMPLE, None, ["Cz"] * 33, "Eyes open or closed"), "at most 32 are used"),
    ],
)
def test_what_cannot_be_classified_is_told_in_a_sentence(page, choices, message):
    last = list(page.classify(ALICE, *choices, 1400.0))[-1]
    assert "get-message error" in last["message"]
    assert message in text(last["message"])


@needs_classifiers
def test_the_example_and_few_channels_are_classified_with_a_note(page):
    last = list(page.classify(ALICE, EXAMPLE, None, ["O1", "O2"], "Left or right fist, imagined or moved", 390.0))[-1]
    assert "The vote of 3 windows is" in text(last["message"])
    assert "share only" in text(last["message"])


def test_the_classifier_that_was_named_can_be_asked(page):
    last = list(page.classify(ALICE, EXAMPLE, None, [], OWN_QUESTION, 1400.0))[-1]
    assert re.match("The vote of [0-9]+ windows is (open|closed)", text(last["message"]))


def test_no_recording_has_no_class(page):
    assert run(page, NOTHING)[-1]["classes"] == ""


def test_pages_hold_no_markup_from_a_file_name(page, tmp_path):
    path = tmp_path / "<img src=x>.edf"
    path.write_bytes(b"no EEG")
    page.change(ALICE, UPLOAD, str(path))
    message = page.choose(ALICE, UPLOAD, str(path))["message"]
    assert "&lt;img src=x&gt;.edf is not an EDF or BDF file" in message


def test_results_are_deleted_when_something_else_is_chosen(page, recording):
    files = [Path(run(page, UPLOAD, recording)[-1][suffix]["value"]) for suffix in (".edf", ".fif", ".png")]
    assert [file.name for file in files] == ["night <b>_get.edf", "night <b>_get_raw.fif", "night <b>_get.png"]
    assert all(file.exists() for file in files)
    page.change(ALICE, EXAMPLE, recording)
    assert not any(file.exists() for file in files)


def bad(name: str, tmp_path: Path) -> str:
    raw = make_raw(seconds=0.2) if name == "short" else make_raw()
    if name == "unknown":
        raw.rename_channels({"C3..": "Qx9"})
    raw._data = {"wrong unit": 1e6, "flat": 0.0}.get(name, 1.0) * raw._data
    if name == "nan":
        raw._data[0, 5] = np.nan
    save_recording(raw, tmp_path / "x.fif")
    return str(tmp_path / "x.fif")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("short", "shorter than one patch"),
        ("unknown", "Qx9 was chosen"),
        ("wrong unit", "perhaps microvolts"),
        ("flat", "flat"),
        ("nan", "NaN"),
    ],
)
def test_a_mistake_is_one_sentence_in_the_page(page, tmp_path, name, expected):
    path = bad(name, tmp_path)
    first, last = run(page, UPLOAD, path, mne.io.read_raw(path, verbose="ERROR").ch_names)
    assert not first["traces"]["visible"]  # no earlier result is beside it
    assert 'class="get-message error"' in last["message"]
    assert expected in text(last["message"]).replace("&#x27;", "'")
    assert str(tmp_path) not in last["message"]
    assert "traces" not in last


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"source": UPLOAD}, "No recording was uploaded"),
        ({"seconds": 100.0}, "100 s were asked for"),
        ({"guidance": 2.0}, "none was chosen"),
        ({"source": NOTHING, "ch_names": ["Qz"]}, "Qz"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence_in_the_page(page, options, expected):
    assert expected in text(run(page, **options)[-1]["message"])


def test_channels_of_the_recording_are_offered(page, recording):
    assert page.change(ALICE, UPLOAD, recording)["file"]["visible"]
    shown = page.choose(ALICE, UPLOAD, recording)
    assert shown["channels"]["choices"] == make_raw().ch_names
    assert "8 channels, 12 s, 160 Hz" in shown["message"]


def test_a_name_too_long_for_edf_leaves_the_other_files(page, tmp_path):
    montage = mne.channels.make_dig_montage({"a name of many letters": [0, 0, 0.1]}, coord_frame="head")
    raw = make_raw(ch_names=["a name of many letters"])
    raw.set_montage(montage)
    save_recording(raw, tmp_path / "x.fif")
    last = run(page, UPLOAD, str(tmp_path / "x.fif"))[-1]
    assert [last[suffix]["visible"] for suffix in (".edf", ".fif", ".png")] == [False, True, True]
    assert "EDF holds names of up to 16 characters" in last["message"]


def next_picture(updates):
    return next(update for update in updates if "get-bar" in update.get("message", ""))


def test_stop_keeps_the_result_so_far(page, monkeypatch):
    monkeypatch.setattr(page_module, "FRAME_SECONDS", 0.0)
    updates = page.generate(ALICE, EXAMPLE, None, [], *(WISHES | {"seconds": 60.0}).values())
    next_picture(updates)
    page.runs.stop(ALICE.tab)
    *_, last = updates
    assert "of 60 s." in text(last["message"])
    made = mne.io.read_raw(last[".fif"]["value"], verbose="ERROR")
    assert session.EXAMPLE_SECONDS < made.times[-1] < session.EXAMPLE_SECONDS + 60
    assert {"surprise", "classes", ".edf", ".png"} <= set(last)


def test_stopped_before_the_first_patch_shows_nothing(page):
    updates = page.generate(ALICE, EXAMPLE, None, [], *WISHES.values())
    next(updates)
    page.runs.stop(ALICE.tab)
    assert [text(update["message"]) for update in updates] == ["Stopped before anything was generated."]


@pytest.mark.parametrize("choice", [(UPLOAD, None), (NOTHING, None), (EXAMPLE, None)])
def test_results_of_an_earlier_choice_disappear(page, monkeypatch, choice):
    monkeypatch.setattr(page_module, "FRAME_SECONDS", 0.0)
    updates = page.generate(ALICE, EXAMPLE, None, [], *(WISHES | {"seconds": 60.0}).values())
    next_picture(updates)
    with ThreadPoolExecutor(1) as pool:
        changed = pool.submit(page.change, ALICE, *choice)
        later = list(updates)
    assert later in ([looks.nothing()], [later[0], looks.nothing()])  # one may have been on its way
    assert looks.nothing().items() <= changed.result().items()


def test_a_recording_that_was_read_too_late_is_not_offered(page, recording):
    page.change(ALICE, UPLOAD, recording)
    page.change(ALICE, NOTHING, recording)
    assert "message" not in page.choose(ALICE, UPLOAD, recording)


def test_an_upload_is_deleted_when_no_tab_uses_it(page, tmp_path):
    save_recording(make_raw(), tmp_path / "same.edf")
    path = str(tmp_path / "same.edf")
    page.disk.own(ALICE.user, path)
    for visitor in (ALICE, BOB):
        page.change(visitor, UPLOAD, path)
    page.change(ALICE, UPLOAD, None)
    assert Path(path).exists()
    page.leave(BOB)
    assert not Path(path).exists()


def test_a_user_without_room_still_sees_the_result(page, monkeypatch):
    monkeypatch.setattr(disk, "USER_MEGABYTES", 0)
    last = run(page)[-1]
    expected = r"There is nothing to download. With \d.\d MB more, your files would exceed 0 MB"
    assert re.search(expected, text(last["message"]))
    assert [last[suffix]["visible"] for suffix in (".edf", ".fif", ".png")] == [False, False, False]
    assert last["surprise"]["visible"]


def test_unforeseen_errors_are_one_sentence_too(page, recording, monkeypatch, capsys):
    monkeypatch.setattr(session, "load_recording", lambda *_, **__: {}["key"])
    page.change(ALICE, UPLOAD, recording)
    for message in (
        page.choose(ALICE, UPLOAD, recording)["message"],
        run(page, UPLOAD, recording)[-1]["message"],
    ):
        assert text(message).startswith("The page failed on this (KeyError)")
    assert "Traceback" in capsys.readouterr().err  # for who runs the page


def test_a_checkpoint_without_a_classifier_is_refused_as_one(tiny_checkpoint, tmp_path):
    with Disk(tmp_path) as own, pytest.raises(ValueError, match="holds a GETModel and not a classifier") as error:
        Page(tiny_checkpoint, tiny_checkpoint, own)
    assert str(error.value).startswith(str(tiny_checkpoint))


@pytest.fixture
def new(tiny_checkpoint, tmp_path):
    """A page that has not continued its example yet."""
    with Disk(tmp_path) as own:
        yield Page(tiny_checkpoint, None, own)


def figures(update) -> list[str]:
    return [name for name in ("traces", "spectra", "surprise") if update.get(name, {}).get("visible")]


@pytest.mark.parametrize(("width", "view"), [(1400.0, [-4.0, 10.0]), (390.0, [-2.0, 3.0])])
def test_a_visitor_sees_the_continued_example_named_as_an_example(new, width, view):
    new.continue_example()
    (update,) = new.arrive(BOB, width)
    update["traces"].clear()  # as gradio does
    (update,) = new.arrive(ALICE, width)
    assert text(update["message"]).startswith("This is an example: 12 s of EEG with closed eyes, made by GET itself")
    assert figures(update) == ["traces", "spectra", "surprise"]
    assert json.loads(update["traces"]["value"].plot)["layout"]["xaxis"]["range"] == view
    assert list(new.disk.files.iterdir()) == []


def test_an_early_visitor_sees_the_example_as_soon_as_it_is_ready(new):
    updates = new.arrive(ALICE, 1400.0)
    assert "An example will appear here" in next(updates)["message"]
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(list, updates)
        new.continue_example()
        assert figures(rest.result(timeout=60)[-1]) == ["traces", "spectra", "surprise"]


def test_the_example_does_not_replace_a_visitors_own_choice(new):
    early = new.arrive(ALICE, 1400.0)
    next(early)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(list, early)
        own = run(new, seconds=1.0)  # although the example is not there yet
        assert waiting.result(timeout=60) == [looks.nothing()]
    assert text(own[-1]["message"]).startswith("Generated 1 s in")


def test_without_an_example_the_page_still_works(new, monkeypatch):
    monkeypatch.setattr(session, "surprise", lambda *_: {}["key"])
    with pytest.raises(KeyError):
        new.continue_example()
    assert [text(update["message"]) for update in new.arrive(ALICE, 1400.0)] == ["Press Generate."]


def test_every_figure_says_what_to_look_at(page):
    last = {name: value for update in run(page) for name, value in update.items()}
    for name in ("traces_caption", "spectra_caption", "maps", "surprise_caption"):
        assert "Look" in text(last[name])
    assert "seam" not in str(last)
    assert "Look at the rhythm" in [u for u in run(page, NOTHING) if "traces" in u][-1]["traces_caption"]


def test_the_space_names_the_gradio_that_was_tested():
    space = Path(app.__file__).parent
    constraints = (Path(__file__).parents[3] / "constraints.txt").read_text()
    version = re.search(r"^sdk_version: (.+)$", (space / "README.md").read_text(), flags=re.MULTILINE)[1]
    assert f"\ngradio=={version}\n" in constraints


def test_the_conditions_offered_are_conditions(page):
    assert set(page_module.CONDITIONS) < set(page.extractor.conditions)
    assert session.MAX_SECONDS == 60
