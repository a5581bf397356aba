# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""The page of the Space in Chromium: an upload, a continuation, the files, a mistake. A job of its own."""

import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import mne
import pytest

import get_hf
from get_hf import save_recording
from synthetic import make_raw

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("gradio")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
    pytest.mark.skipif(not get_hf.CHECKPOINT.is_dir(), reason="no checkpoint is shipped in this tree"),
    pytest.mark.slow,
]
#: What Plotly draws in.
CHART = ".js-plotly-plot"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SCALP = ["Fp1.", "Fp2.", "F3..", "F4..", "C3..", "Cz..", "C4..", "P3..", "Pz..", "P4..", "O1..", "O2.."]
#: Milliseconds; generous, because machines that test are busy.
PATIENCE = 180_000


@pytest.fixture(scope="module")
def temporary(tmp_path_factory) -> Path:
    """Where the server may leave nothing."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def address(temporary):
    """`get-hf demo`, running."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "get_hf", "demo", "--port", str(port), "--no-browser"]
    environment = os.environ | {"TMPDIR": str(temporary), "HF_HUB_OFFLINE": "1"}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).read()
                break
            except OSError:
                assert server.poll() is None, "get-hf demo ended"
                assert time.monotonic() < deadline, "get-hf demo does not answer"
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)
    assert [file for file in temporary.rglob("*") if "get-" in file.name] == []  # ended, it has cleared up


def generate(page, seconds: int = 60) -> None:
    """Starts a run, and waits for its first picture."""
    page.get_by_label("number input for Seconds to generate").fill(str(seconds))
    page.click("#go")
    page.wait_for_selector("#growing img")


def visit(address: str, **options):
    """A page of a browser that asks nobody but the server."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(**options)
        page.set_default_timeout(PATIENCE)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.wait_for_selector("#go")
        yield page
        browser.close()
    elsewhere = {url for url in asked if not url.startswith((address, "data:", "blob:"))}
    assert elsewhere == set()  # nobody else learns who visits


@pytest.fixture
def page(address):
    yield from visit(address, viewport={"width": 1400, "height": 1000})


@pytest.fixture
def phone(address):
    yield from visit(address, **PHONE)


def view(page) -> list[float]:
    """The seconds of the traces that are in view."""
    return page.evaluate("document.querySelector('#traces .js-plotly-plot').layout.xaxis.range")


def await_view(page, change: str) -> None:
    """Waits until the seconds in view, `[a, b]`, fulfil a condition in JavaScript."""
    now = "const [a, b] = document.querySelector('#traces .js-plotly-plot').layout.xaxis.range;"
    page.wait_for_function(f"() => {{ {now} return {change} }}")


def upload(page, file: Path) -> None:
    page.get_by_label("My recording").click()
    page.wait_for_selector("input[type=file]", state="attached")
    page.set_input_files("input[type=file]", file)


def screenshot(page, name: str) -> None:
    if folder := os.environ.get("GET_HF_SCREENSHOTS"):
        page.wait_for_timeout(700)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_recording_is_continued_and_downloaded(page, tmp_path):
    save_recording(make_raw(ch_names=SCALP), tmp_path / "mine.edf")
    upload(page, tmp_path / "mine.edf")
    page.get_by_text("12 channels, 12 s, 160 Hz").wait_for()
    page.get_by_label("Condition from here on").click()
    page.get_by_role("option", name="eyes closed").click()
    page.click("#go")
    page.wait_for_selector("#growing img")
    screenshot(page, "growing")
    page.wait_for_selector(f"#surprise {CHART}")
    page.wait_for_selector(f"#spectra {CHART}")
    page.wait_for_selector("#maps img")
    screenshot(page, "continued")
    assert re.match(r"Generated 10 s in [\d.]+ s", page.inner_text("#message"))
    for label, name in (("EDF", "mine_get.edf"), ("FIF", "mine_get_raw.fif"), ("figure", "mine_get.png")):
        with page.expect_download() as download:
            page.get_by_text(f"Download {label}").click()
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
    for name in ("mine_get.edf", "mine_get_raw.fif"):
        continued = mne.io.read_raw(tmp_path / name, verbose="ERROR")
        assert continued.ch_names == SCALP
        assert continued.n_times == (12 + 10) * 160
        assert "GET generated" in continued.annotations.description
    assert (tmp_path / "mine_get.png").stat().st_size > 50_000


def test_the_example_shows_its_first_patch_soon(page):
    page.wait_for_timeout(1000)
    began = time.monotonic()
    page.click("#go")
    page.wait_for_selector("#growing img")
    seconds = time.monotonic() - began
    print(f"first patch after {seconds:.2f} s")
    limit = float(os.environ.get("GET_HF_FIRST_PATCH", 10))  # 2 on two cores that do nothing else
    assert seconds < limit
    page.wait_for_selector(f"#surprise {CHART}")
    screenshot(page, "example")


def test_a_recording_is_classified(page, tmp_path):
    save_recording(make_raw(60.0, ch_names=SCALP), tmp_path / "minute.edf")
    upload(page, tmp_path / "minute.edf")
    page.get_by_text("Of 60 s the last 30 s are read.").wait_for()
    page.get_by_text("Classify the recording").click()
    page.click("#classify")
    page.wait_for_selector(f"#windows {CHART}")
    said = page.inner_text("#message")
    assert re.match(r"The vote of 30 windows is eyes_(open|closed): ", said)
    assert "Look" in page.inner_text("#windows-caption")
    shown = page.inner_text("#windows")
    assert "eyes_open" in shown
    assert "Probability" in shown
    assert page.locator(f"#traces {CHART}").count() == 0
    screenshot(page, "classified")


def listen(page, file: Path, channels: int, speed: str = "real speed") -> None:
    """Uploads a recording, and starts to listen to it; its first 20 s show what is usual."""
    upload(page, file)
    page.get_by_text(f"{channels} channels, ").wait_for()
    page.get_by_text("Listen live").click()
    page.get_by_label("number input for Seconds that show what is usual").fill("20")
    page.get_by_label(speed, exact=True).check()
    page.click("#listen")
    page.wait_for_selector("#live-traces svg")


def test_a_recording_is_heard_while_it_arrives(page, tmp_path):
    raw = make_raw(40.0, ch_names=SCALP)
    raw._data[:, 160 * 30 : 160 * 33] *= 8
    save_recording(raw, tmp_path / "arrives.edf")
    listen(page, tmp_path / "arrives.edf", 12)
    page.get_by_text(
        re.compile(r"Listening to arrives\.edf: 0:\d\d of 0:40\. Surprise .* Eyes (open|closed): ")
    ).wait_for()
    early = page.locator("#live-traces svg").get_attribute("aria-label")
    screenshot(page, "listening")
    page.wait_for_function(f"document.querySelector('#live-traces svg').ariaLabel != {early!r}")  # it scrolls
    page.get_by_text(re.compile(r"Heard 0:40: \d unusual moments?, ")).wait_for()
    shown = page.inner_text("#live-traces")
    assert all(name.strip(".") in shown for name in SCALP)
    assert "40" in shown.split()  # the last second
    assert "threshold" in page.inner_text("#live-surprise")
    assert "eyes open" in page.inner_text("#live-classes")
    assert "came within" in page.inner_text("#live-forecast")
    assert all("Look" in text for text in page.locator("#live figcaption").all_inner_texts())
    assert not page.locator("#stop").is_visible()
    screenshot(page, "heard")


def test_stop_ends_listening_and_a_new_run_takes_its_place(page, tmp_path):
    save_recording(make_raw(300.0, ch_names=SCALP), tmp_path / "long.edf")
    listen(page, tmp_path / "long.edf", 12)
    page.get_by_text(re.compile(r"Listening to long\.edf")).wait_for()
    page.click("#stop")
    page.get_by_text(re.compile(r"Heard \d:\d\d: ")).wait_for()
    assert page.locator("#live-traces svg").is_visible()
    page.click("#listen")
    page.get_by_text(re.compile(r"Listening to long\.edf")).wait_for()
    page.get_by_label("number input for Seconds to generate").fill("1")
    page.click("#go")
    page.get_by_text(re.compile("Generated 1 s in")).wait_for()
    assert page.locator("#live svg").count() == 0


def test_what_cannot_be_heard_is_one_sentence(page, tmp_path):
    save_recording(make_raw(ch_names=SCALP), tmp_path / "short.edf")
    (tmp_path / "text.edf").write_text("no EEG at all\n" * 50)
    for name, sentence in (
        ("text.edf", "text.edf is not an EDF or BDF file"),
        ("short.edf", "short.edf is 12 s long"),
    ):
        page.reload()
        page.wait_for_selector("#go")
        upload(page, tmp_path / name)
        page.wait_for_selector(".get-message.error" if name == "text.edf" else "text=12 channels, 12 s")
        page.get_by_text("Listen live").click()
        page.click("#listen")
        page.locator(".get-message.error", has_text=sentence).wait_for()
        assert page.inner_text("#message").count(". ") == 0
        assert "Traceback" not in page.content()
        assert page.locator("#live svg").count() == 0


def test_on_a_phone_the_live_view_fits(phone, tmp_path):
    save_recording(make_raw(300.0, ch_names=SCALP), tmp_path / "phone.edf")
    listen(phone, tmp_path / "phone.edf", 12)
    phone.get_by_text(re.compile(r"Listening to phone\.edf: .* Surprise")).wait_for()
    assert abs(phone.locator("#message").bounding_box()["y"]) < 100
    phone.wait_for_selector("#live-classes svg")
    screenshot(phone, "phone-listening")
    phone.locator("#stop").tap()
    phone.get_by_text(re.compile(r"Heard \d:\d\d: ")).wait_for()
    for text in phone.locator("#live svg text").all():
        box, said = text.bounding_box(), text.text_content()
        assert box["height"] >= 11, said
        assert box["x"] >= 0, said
        assert box["x"] + box["width"] <= 390, said
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_mistake_is_one_sentence_and_can_be_mended(page, tmp_path):
    (tmp_path / "text.edf").write_text("no EEG at all\n" * 50)
    upload(page, tmp_path / "text.edf")
    page.wait_for_selector(".get-message.error")
    screenshot(page, "mistake")
    said = page.inner_text("#message")
    assert said.startswith("text.edf is not an EDF or BDF file")
    assert "Traceback" not in page.content()
    page.get_by_label("Nothing").click()
    page.get_by_label("Seconds to generate").first.fill("1")
    page.click("#go")
    page.wait_for_selector(f"#surprise {CHART}")  # the growing picture of one second may come and go unseen


def test_stop_keeps_the_result(page, tmp_path):
    generate(page)
    page.click("#stop")
    page.get_by_text(re.compile(r"Stopped: these are the first [\d.]+ of 60 s\.")).wait_for()
    page.wait_for_selector(f"#surprise {CHART}")
    screenshot(page, "stopped")
    with page.expect_download() as download:
        page.get_by_text("Download FIF").click()
    download.value.save_as(tmp_path / "x_raw.fif")
    assert 12 < mne.io.read_raw(tmp_path / "x_raw.fif", verbose="ERROR").times[-1] < 72


def test_a_removed_recording_does_not_come_back(page, temporary, tmp_path):
    save_recording(make_raw(), tmp_path / "removed.edf")
    upload(page, tmp_path / "removed.edf")
    page.get_by_text("8 channels, 12 s, 160 Hz").wait_for()
    generate(page)
    page.get_by_label("Remove").or_(page.get_by_label("Clear")).first.click()
    page.get_by_text("Upload a recording, then continue it.").wait_for()
    assert list(temporary.rglob("removed.edf")) == []
    page.wait_for_timeout(5000)
    assert page.locator(CHART).count() == page.locator("#results img").count() == 0
    assert page.inner_text("#message") == "Upload a recording, then continue it."
    screenshot(page, "removed")
    page.get_by_label("Built-in example").click()
    generate(page)  # and the next run is not held up
    page.click("#stop")


def test_an_upload_too_large_is_refused_in_a_sentence(page, tmp_path):
    (tmp_path / "large.edf").write_bytes(bytes(51_000_000))
    page.set_viewport_size({"width": 390, "height": 844})
    upload(page, tmp_path / "large.edf")
    page.get_by_text("The upload has 51 MB, and at most 50 MB are read here.").first.wait_for()
    screenshot(page, "large")


def test_another_tab_goes_on_when_one_is_closed(page, address, temporary, tmp_path):
    save_recording(make_raw(), tmp_path / "other.edf")
    other = page.context.browser.new_page()
    other.goto(address)
    upload(other, tmp_path / "other.edf")
    other.get_by_text("8 channels, 12 s, 160 Hz").wait_for()
    generate(other)
    page.set_viewport_size({"width": 390, "height": 844})
    generate(page, seconds=10)
    other.close()
    page.wait_for_selector(f"#surprise {CHART}")
    screenshot(page, "narrow")
    assert re.match(r"Generated 10 s in [\d.]+ s", page.inner_text("#message"))
    deadline = time.monotonic() + 60  # the closed tab's upload goes when the server has missed it
    while list(temporary.rglob("other.edf")):
        assert time.monotonic() < deadline
        page.wait_for_timeout(500)


@pytest.mark.parametrize("device", ["page", "phone"])
def test_a_visitor_sees_an_example(request, device):
    page = request.getfixturevalue(device)
    page.get_by_text("This is an example: 12 s of EEG with closed eyes, made by GET itself").wait_for()
    for name in ("traces", "spectra", "surprise"):
        page.wait_for_selector(f"#{name} {CHART}")
        assert "Look" in page.inner_text(f"#{name}-caption")
    assert "Look" in page.inner_text("#maps figcaption")
    assert "from here on by GET" in page.inner_text("#traces")
    assert "seam" not in page.inner_text("body").lower()
    page.mouse.move(0, 0)
    screenshot(page, f"arrival-{device}")


def test_traces_scroll_and_zoom(page):
    page.wait_for_selector(f"#traces {CHART}")
    assert view(page) == [-4, 10]
    page.locator("#traces .modebar-btn[data-title='Zoom in']").click()
    await_view(page, "b - a < 8")
    screenshot(page, "zoomed")
    start, end = view(page)
    box = page.locator("#traces .nsewdrag").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 200, y, steps=5)
    page.mouse.up()
    await_view(page, f"b < {end} - 1 && a < {start} - 1")
    page.locator("#traces .modebar-btn[data-title='Reset axes']").click()
    await_view(page, "a == -4 && b == 10")
    page.mouse.move(x, y)
    page.mouse.wheel(0, 300)  # the wheel scrolls the page, and not the traces
    page.wait_for_function("window.scrollY > 0")
    assert view(page) == [-4, 10]


def touch(phone, *points: tuple[float, float]) -> None:
    """Moves a finger."""
    session = phone.context.new_cdp_session(phone)
    for number, (x, y) in enumerate(points):
        kind = "touchMove" if number else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_on_a_phone_the_strip_scrolls_the_traces_and_a_finger_the_page(phone):
    phone.wait_for_selector(f"#traces {CHART}")
    assert view(phone) == [-2, 3]
    phone.locator("#traces").scroll_into_view_if_needed()
    box = phone.locator("#traces .rangeslider-slidebox").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch(phone, (x, y), *((x + step, y) for step in range(5, 61, 5)))
    await_view(phone, "a > -1 && Math.abs(b - a - 5) < 0.1")
    scrolled, seen = phone.evaluate("window.scrollY"), view(phone)
    box = phone.locator("#traces .nsewdrag").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch(phone, (x, y), *((x, y + step) for step in range(10, 201, 10)))
    phone.wait_for_function(f"window.scrollY < {scrolled} - 50")
    assert view(phone) == seen


def test_on_a_phone_results_come_into_view(phone):
    assert phone.locator("#go").bounding_box()["y"] < 844
    generate(phone)
    assert abs(phone.locator("#message").bounding_box()["y"]) < 100
    assert phone.locator("#growing img").bounding_box()["y"] < 300
    screenshot(phone, "phone-growing")
    assert abs(phone.locator("#stop").bounding_box()["y"]) < 100
    phone.locator("#stop").tap()
    phone.wait_for_selector(f"#surprise {CHART}")
    phone.get_by_text("Stopped: these are the first").wait_for()
    assert abs(phone.locator("#message").bounding_box()["y"]) < 100
    traces = phone.locator(f"#traces {CHART}").bounding_box()
    assert traces["y"] + traces["height"] < 844
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    screenshot(phone, "phone-continued")


def test_on_a_phone_spectra_are_legible(phone):
    phone.wait_for_selector(f"#spectra {CHART}")
    boxes = {}
    for text in phone.locator("#spectra svg text").all():
        if said := text.text_content():
            boxes[said] = text.bounding_box()
            size = float(text.evaluate("text => getComputedStyle(text).fontSize").removesuffix("px"))
            assert size >= 11, said
            assert boxes[said]["x"] >= 0, said
            assert boxes[said]["x"] + boxes[said]["width"] <= 390, said
    assert {"Frequency (Hz)", "Power density (µV²/Hz)", "given to GET", "generated by GET"} <= set(boxes)
    ticks = [tick.bounding_box() for tick in phone.locator("#spectra .xtick text").all()]
    assert len(ticks) == 6
    assert all(a["x"] + a["width"] < b["x"] for a, b in itertools.pairwise(ticks))
    assert phone.locator("#maps img").bounding_box()["width"] > 330
