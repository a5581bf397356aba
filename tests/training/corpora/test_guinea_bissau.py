# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import csv
import gzip

import numpy as np
import pandas
import pytest
import scipy

from get_hf.training.corpora import CorpusUnavailableError, get_corpus
from get_hf.training.corpora.guinea_bissau import CHANNELS, METADATA, RATE
from synthetic import synthetic_eeg

CLOSED, OPEN = "closed-3min-then-open-2min", "open-3min-then-closed-2min"


def write_metadata(folder, rows):
    lines = ["subject.id,Group,Eyes.condition,Remarks,recordedPeriod,startTime"]
    lines += [
        f'{number},Control,{order},"by 45s, moved",{seconds},27-05-2020 14:33' for number, order, seconds in rows
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / METADATA).write_bytes("\r\n".join(lines).encode() + b"\r\n")


def write(folder, number=16, seconds=60, order=CLOSED, quality=4, lost_at=(), change=None):
    """Writes a table in the corpus's format: numbered rows, samples on an offset, counter and contacts."""
    n_times = round(seconds * RATE)
    microvolts = 1e6 * synthetic_eeg(seconds, RATE, len(CHANNELS), seed=number)
    if change is not None:
        change(microvolts)
    counter = np.arange(n_times) % 129
    for sample in lost_at:
        counter[sample:] = (counter[sample:] + 5) % 129
    contacts = [f"CQ_{name}" for name in ("CMS", *CHANNELS[::-1], "DRL")]  # in another order than the channels
    levels = np.full((len(contacts), n_times), 4)
    levels[contacts.index("CQ_O1"), : n_times // 20] = quality
    columns = [*CHANNELS, "COUNTER", "INTERPOLATED", "GYROX", *contacts]
    values = np.vstack([microvolts + 4200, counter, 0 * counter, 1567 + 0 * counter, levels])
    table = pandas.DataFrame(values.T.round(3), columns=columns, index=np.arange(1, n_times + 1).astype(str))
    path = folder / "EEGs_Guinea-Bissau" / f"signal-{number}.csv.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, quoting=csv.QUOTE_NONNUMERIC, compression={"method": "gzip", "compresslevel": 1})
    write_metadata(folder, [(number, order, seconds)])
    return path


def only(folder):
    (found,) = get_corpus("guinea-bissau").recordings(folder)
    return found


@pytest.mark.parametrize("layout", [".", "guinea-bissau", "epilepsy-detection-using-ML"])
def test_people_come_by_number_with_the_agreed_splits(tmp_path, layout):
    folder = tmp_path / layout / "EEGs_Guinea-Bissau"
    folder.mkdir(parents=True)
    for number in (1, 2, 15, 16, 27, 28, 97):
        (folder / f"signal-{number}.csv.gz").touch()
    write_metadata(folder.parent, [])
    corpus = get_corpus("guinea-bissau")
    found = [(r.subject, corpus.split_of(r.subject)) for r in corpus.recordings(tmp_path)]
    assert found == [
        *(("signal-1", "test"), ("signal-2", "test"), ("signal-15", "test"), ("signal-16", "validation")),
        *(("signal-27", "validation"), ("signal-28", "train"), ("signal-97", "train")),
    ]


def test_samples_lose_their_offset_and_nothing_else(tmp_path):
    write(tmp_path)
    raw = only(tmp_path).open()
    assert raw.ch_names == list(CHANNELS)
    assert raw.info["sfreq"] == RATE
    expected = 1e6 * synthetic_eeg(60, RATE, len(CHANNELS), seed=16)
    expected -= np.median(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(1e6 * raw.get_data(), expected, atol=0.02)


@pytest.mark.parametrize(
    ("number", "order", "expected"),
    [
        (16, CLOSED, [(0.0, 165.0, "eyes_closed"), (195.0, 285.0, "eyes_open")]),
        (16, OPEN, [(0.0, 165.0, "eyes_open"), (195.0, 285.0, "eyes_closed")]),
        (40, CLOSED, [(0.0, 165.0, "eyes_closed"), (225.0, 287.0, "eyes_open")]),  # perhaps 30 s later
        (37, CLOSED, []),  # the remark contradicts the column
    ],
)
def test_eyes_follow_the_table_and_its_remarks(tmp_path, number, order, expected):
    write(tmp_path, number, seconds=302, order=order)
    found = only(tmp_path)
    assert found.condition_spans(found.open()) == [pytest.approx(span) for span in expected]


@pytest.mark.parametrize(("quality", "expected"), [(4, []), (3, []), (2, ["BAD_contact"])])
def test_bad_contact_is_marked_in_its_own_channel(tmp_path, quality, expected):
    write(tmp_path, quality=quality)
    raw = only(tmp_path).open()
    found = [note for note in raw.annotations if note["description"].startswith("BAD")]
    assert [note["description"] for note in found] == expected
    if expected:
        assert found[0]["duration"] == pytest.approx(3.0 + 0.5, abs=0.3)


def test_lost_packets_are_an_interruption(tmp_path):
    write(tmp_path, lost_at=[1280])
    raw = only(tmp_path).open()
    found = [(note["onset"], note["duration"]) for note in raw.annotations if note["description"] == "BAD boundary"]
    assert found == [(10.0, 0.0)]


def test_an_electrode_that_moves_is_rejected_by_amplitude(tmp_path):
    def jump(microvolts):
        microvolts[3, 3840:3904] += 1500

    write(tmp_path, change=jump)
    raw = only(tmp_path).open()
    found = [note for note in raw.annotations if note["description"] == "BAD_amplitude"]
    assert len(found) == 1
    assert found[0]["onset"] < 30.0 < 30.5 < found[0]["onset"] + found[0]["duration"] < 33


def test_a_file_that_is_too_short_for_its_row_is_refused(tmp_path):
    write(tmp_path, seconds=10)
    write_metadata(tmp_path, [(16, CLOSED, 302)])
    with pytest.raises(ValueError, match=r"signal-16.* is cut off .* it has 10 s and .* says 302 s"):
        only(tmp_path).open()


@pytest.mark.parametrize("damage", ["cut", "text", "columns", "words", "empty"])
def test_a_damaged_file_is_one_sentence(tmp_path, damage):
    path = write(tmp_path, seconds=10)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-5000])
    elif damage == "text":
        path.write_text("<html>not found</html>")
    else:
        header = ",".join([*CHANNELS, "COUNTER", *(f"CQ_{name}" for name in CHANNELS), "CQ_CMS", "CQ_DRL"])
        texts = {"columns": "a,b\n1,2\n", "words": header + "\n" + ",".join(["x"] * 31) + "\n", "empty": header + "\n"}
        path.write_bytes(gzip.compress(texts[damage].encode()))
    with pytest.raises(ValueError, match=r"signal-16\.csv\.gz .*: fetch it again") as error:
        only(tmp_path).open()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", [None, "subject,eyes\n1,open\n", "subject.id,Eyes.condition,recordedPeriod\none,x,y\n"]
)
def test_without_its_table_the_corpus_is_not_available(tmp_path, text):
    path = write(tmp_path, seconds=10)
    (path.parent.parent / METADATA).unlink()
    if text is not None:
        (tmp_path / METADATA).write_text(text)
    with pytest.raises(CorpusUnavailableError, match=r"metadata_guineabissau.csv.*zenodo") as error:
        only(tmp_path)
    assert "\n" not in str(error.value)


def test_a_person_without_a_row_or_with_an_unknown_order_is_refused(tmp_path):
    write(tmp_path, seconds=10)
    write_metadata(tmp_path, [])
    with pytest.raises(ValueError, match=r"no row for .*signal-16"):
        only(tmp_path).open()
    write_metadata(tmp_path, [(16, "open all the time", 10)])
    with pytest.raises(ValueError, match=r"'open all the time' .* none of closed-3min"):
        only(tmp_path).open()


@pytest.mark.parametrize("given", [True, False])
def test_without_the_corpus_one_sentence_says_what_to_fetch(tmp_path, given):
    with pytest.raises(CorpusUnavailableError, match=r"zenodo.org/records/1252141.* folder guinea-bissau") as error:
        list(get_corpus("guinea-bissau").recordings(tmp_path if given else None))
    assert "\n" not in str(error.value)


def test_the_real_people_have_more_alpha_with_eyes_closed(real_data):
    if not (real_data / "guinea-bissau").is_dir():
        pytest.skip(f"no guinea-bissau at {real_data}")
    corpus = get_corpus("guinea-bissau")
    people = {split: list(corpus.recordings(real_data, split)) for split in ("train", "validation", "test")}
    assert {split: len(found) for split, found in people.items()} == {"train": 70, "validation": 12, "test": 15}
    ratios = []
    for found in people["validation"]:
        raw = found.open()
        power = {}
        for begin, end, condition in found.condition_spans(raw):
            kept = [name for name in ("O1", "O2") if name not in raw.info["bads"]]
            first, last = raw.time_as_index([begin, end])
            good = raw.get_data(kept, first, last, reject_by_annotation="omit") if kept else np.empty((0, 0))
            if good.shape[-1] > 20 * RATE:
                freqs, density = scipy.signal.welch(good, RATE, nperseg=256)
                power[condition] = np.median(density[:, (freqs >= 8) & (freqs <= 13)])
        if len(power) == 2:
            ratios.append(power["eyes_closed"] / power["eyes_open"])
    assert len(ratios) >= 9
    assert np.mean(np.array(ratios) > 1) >= 0.7
