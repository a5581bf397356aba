# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from collections import Counter

from get_hf import load_recording


def test_the_originals_are_read(fuzz, tmp_path):
    for suffix in fuzz.write_originals(tmp_path):
        raw = load_recording(tmp_path / f"x.{suffix}")
        assert (raw.ch_names, raw.n_times) == (fuzz.NAMES, fuzz.SECONDS * fuzz.RATE)


def test_every_damaged_file_is_answered_by_a_sentence_or_read_plausibly(fuzz):
    counts = Counter(found for _, found in fuzz.outcomes(0, 200, seed=1))
    assert not {fault: counts[fault] for fault in fuzz.FAULTS if counts[fault]}
    assert counts["read"] > 20
    assert counts["refused"] > 20


def test_the_line_goes_between_its_markers(fuzz):
    text = fuzz._MARK.sub(
        rf"\1\n{fuzz.line(Counter(read=3, refused=4))}\n\2", "a <!-- fuzz_reading:begin --><!-- fuzz_reading:end --> b"
    )
    assert (
        "Of 7 damaged EDF, BDF, FIF and SET files 4 were refused in one sentence and 3 read plausibly; 0 deaths"
        in text
    )
