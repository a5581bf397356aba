# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""What a recording was in, what comes next, and which names the model knows."""

import warnings
from datetime import UTC, datetime

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from get_hf.modeling.configuration_get import CONDITIONS as CONDITIONS_OF_THE_MODEL
from get_hf.processing.conditions_get import CONDITIONS, split_ids
from get_hf.processing.feature_extraction_get import GETFeatureExtractor
from small import NAMES, RATE, as_raw, signal

PLAN = [("eyes_open", 1), ("left_fist", 0.5)]


def test_the_two_rooms_know_the_same_conditions():
    assert CONDITIONS == CONDITIONS_OF_THE_MODEL


def test_ids_are_positions_in_the_list(extractor):
    assert [extractor.condition_id(name) for name in CONDITIONS] == list(range(10))


class TestTheRecording:
    """`condition=` and annotations; the continuation goes on in what the recording ended in."""

    def test_none_is_known_unless_said(self, read):
        assert not read(signal())["condition_ids"].any()

    def test_a_condition_goes_on_after_the_recording(self, read):
        assert (read(signal(), condition="eyes_closed")["condition_ids"] == 3).all()

    def test_each_recording_may_have_its_own(self, read):
        ids = read([signal()] * 3, condition=["eyes_open", "eyes_closed", None])["condition_ids"]
        assert ids[:, 0].tolist() == ids[:, -1].tolist() == [2, 3, 0]

    def test_conditions_that_do_not_fit_the_recordings_are_refused(self, read):
        with pytest.raises(ValueError, match="2 conditions were given for 3 recordings"):
            read([signal()] * 3, condition=["rest", "rest"])
        with pytest.raises(ValueError, match="condition is 3: give the name"):
            read(signal(), condition=3)

    @pytest.fixture
    def annotated(self):
        """Six seconds: rest for two, left fist for two, nothing said for one, rest to the end."""
        raw = as_raw(signal())
        return raw.set_annotations(mne.Annotations([0, 2, 5], [2, 2, 1], ["T0", "T1", "T0"]))

    def test_annotations_tell_by_a_mapping(self, extractor, annotated):
        ids = extractor(annotated, annotation_conditions={"T0": "rest", "T1": "Left Fist"})["condition_ids"][0]
        # position i predicts patch i + 1, so that the start patch has the condition of the first
        assert ids.tolist() == [1] * 8 + [4] * 8 + [0] * 4 + [1] * 4 + [1]

    @pytest.mark.parametrize("spelling", ["eyes_closed", "Eyes closed", "EYES-CLOSED", " eyes closed "])
    def test_annotations_that_are_names_of_conditions_need_no_mapping(self, extractor, annotated, spelling):
        annotated.annotations.rename({"T0": spelling, "T1": "feet"})
        ids = extractor(annotated)["condition_ids"][0]
        assert ids.tolist() == [3] * 8 + [7] * 8 + [0] * 4 + [3] * 4 + [3]

    def test_what_is_no_mapping_is_refused(self, extractor, annotated):
        with pytest.raises(ValueError, match=r"annotation_conditions is .'T1'.: give conditions by description"):
            extractor(annotated, annotation_conditions=["T1"])

    def test_with_a_mapping_only_the_mapping_counts(self, extractor, annotated):
        annotated.annotations.rename({"T0": "eyes_closed"})
        ids = extractor(annotated, annotation_conditions={"T1": "left_fist"})["condition_ids"][0]
        assert set(ids.tolist()) == {0, 4}

    def test_a_condition_fills_what_annotations_leave(self, extractor, annotated):
        mapping = {"T0": "rest", "T1": "left_fist"}
        ids = extractor(annotated, condition="right_fist", annotation_conditions=mapping)["condition_ids"][0]
        assert ids.tolist() == [1] * 8 + [4] * 8 + [5] * 4 + [1] * 4 + [1]

    def test_a_cropped_recording_keeps_its_conditions_in_place(self, extractor, annotated):
        for meas_date in (None, datetime(2020, 1, 1, tzinfo=UTC)):
            cropped = as_raw(signal()).set_meas_date(meas_date)
            cropped.set_annotations(mne.Annotations([2], [2], ["T1"]))
            ids = extractor(cropped.crop(1.0), annotation_conditions={"T1": "left_fist"})["condition_ids"][0]
            assert ids.tolist() == [0] * 4 + [4] * 8 + [0] * 8 + [0]

    def test_names_of_events_tell_the_conditions_of_epochs(self, extractor):
        epochs = mne.EpochsArray(
            1e-6 * np.stack([signal(2, seed=1), signal(2, seed=2)]),
            mne.create_info(NAMES, RATE, "eeg"),
            events=np.array([[0, 0, 7], [1, 0, 8]]),
            event_id={"left_fist": 7, "T2": 8},
            verbose="error",
        )
        assert extractor(epochs)["condition_ids"][:, 0].tolist() == [4, 0]
        mapped = extractor(epochs, annotation_conditions={"T2": "right_fist"})["condition_ids"]
        assert [row.unique().tolist() for row in mapped] == [[0], [5]]

    def test_padding_does_not_shift_conditions(self, extractor, annotated):
        mapping = {"T0": "rest", "T1": "left_fist"}
        alone = extractor(annotated, annotation_conditions=mapping)["condition_ids"][0]
        batch = extractor([as_raw(signal(9)), annotated], annotation_conditions=mapping)["condition_ids"][1]
        assert batch[-25:].tolist() == alone.tolist()


class TestWhatComesNext:
    def test_the_recording_keeps_its_condition_and_what_follows_has_another(self, read):
        features = read(signal(), condition="eyes_open", next_condition="EYES-CLOSED")
        assert features["condition_ids"].tolist() == [[2] * 24 + [3]]

    def test_of_an_unlabelled_recording_only_the_continuation_has_a_condition(self, read):
        assert read(signal(), next_condition="eyes_closed")["condition_ids"].tolist() == [[0] * 24 + [3]]

    def test_what_goes_on_can_be_left_open(self, read):
        ids = read(signal(), condition="eyes_open", next_condition="none")["condition_ids"]
        assert ids.tolist() == [[2] * 24 + [0]]

    def test_a_plan_runs_on_beyond_the_recording_and_ends_in_its_last_condition(self, read):
        ids = read(signal(), condition="rest", next_condition=[*PLAN, ("feet", 4)])["condition_ids"]
        assert ids.tolist() == [[1] * 24 + [2] * 4 + [4] * 2 + [7]]

    def test_a_patch_is_in_the_condition_of_its_middle(self, read):
        ids = read(signal(), next_condition=[("rest", 0.6), ("feet", 0.3), ("left_fist", 1)])["condition_ids"]
        # .6 s are nearer to two patches than to three, .9 s to four
        assert ids[0, 24:].tolist() == [1] * 2 + [7] * 2 + [4]

    def test_each_recording_may_have_its_own(self, read):
        wanted = ["eyes_closed", PLAN, None]
        ids = read([signal(), signal(3), signal()], condition="rest", next_condition=wanted)["condition_ids"]
        assert ids[:, 24:].tolist() == [[3] * 5, [2] * 4 + [4], [1] * 5]

    def test_a_plan_may_be_lists_as_json_has_them(self, read):
        as_lists = read(signal(), next_condition=[list(entry) for entry in PLAN])
        assert as_lists["condition_ids"].tolist() == read(signal(), next_condition=PLAN)["condition_ids"].tolist()
        each = read([signal()] * 2, next_condition=[PLAN, [["rest", 1]]])["condition_ids"]
        assert each[:, -1].tolist() == [4, 1]

    def test_from_nothing_a_condition_or_a_plan_says_what_is_generated(self, extractor):
        assert extractor(ch_names=NAMES, condition="eyes_closed")["condition_ids"].tolist() == [[3]]
        planned = extractor(ch_names=NAMES, next_condition=PLAN, person=range(2))["condition_ids"]
        assert planned.tolist() == [[2, 2, 2, 2, 4]] * 2

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"next_condition": "rest"}, "from nothing, condition='rest' is what is generated"),
            ({"condition": "rest", "next_condition": PLAN}, "both say what is generated: give one"),
        ],
    )
    def test_from_nothing_contradicting_conditions_are_refused(self, extractor, arguments, message):
        with pytest.raises(ValueError, match=message):
            extractor(ch_names=NAMES, **arguments)

    @pytest.mark.parametrize(
        ("plan", "message"),
        [
            ([("rest",)], "holds .'rest',.: give the name"),
            ([("rest", "long")], "holds .'rest', 'long'.: give"),
            ([("rest", True)], "holds .'rest', True.: give"),
            ([("rest", 4), "feet"], "holds 'feet': give"),
            ([("rest", 0)], "lasts 0 s, less than a patch of 0.25 s"),
            ([("rest", -1), ("feet", 1)], "lasts -1 s, less"),
            ([("rest", float("nan"))], "lasts nan s, less"),
            ([("rest", float("inf")), ("feet", 1)], "longer than 604800 s"),
            ([("rest", 10**400), ("feet", 1)], "longer than 604800 s"),
            ([("asleep", 4)], "'asleep' is not a condition"),
            (["rest", "feet"], "2 conditions were given for 1 recordings"),
            ([], "next_condition is an empty list"),
            ({"rest": 4}, "next_condition is .'rest': 4.: give"),
            (7, "next_condition is 7: give"),
            ([7], "next_condition holds 7: give"),
        ],
        ids=str,
    )
    def test_an_invalid_plan_is_refused_in_one_sentence(self, read, plan, message):
        with pytest.raises(ValueError, match=message) as error:
            read(signal(), next_condition=plan)
        assert "\n" not in str(error.value)

    @given(
        n_patches=st.integers(1, 12),
        own=st.integers(0, 20),
        n_new=st.integers(0, 20),
        n_ids=st.integers(0, 20),
    )
    def test_decoding_takes_the_conditions_that_were_laid_out(self, n_patches, own, n_new, n_ids):
        """The last entry holds from there on, and what precedes the prompt is none of its patches."""
        ids = list(range(n_patches + n_ids))  # each the place of the patch that it is about, less one
        before, after = split_ids(ids, n_patches, own, n_new)
        assert before == list(range(n_patches - 1))[max(0, n_patches - 1 - own) :]
        assert after == [min(n_patches - 1 + k, ids[-1]) for k in range(n_new)]


class TestNames:
    """The model heard some of the conditions that there are; as arguments, others are refused."""

    @pytest.fixture
    def taught(self) -> GETFeatureExtractor:
        return GETFeatureExtractor(heard_conditions=["rest", "eyes_open", "eyes_closed"])

    def test_all_conditions_are_known_if_heard_conditions_is_missing(self):
        assert GETFeatureExtractor().condition_id("seizure") == 9

    @pytest.mark.parametrize("spelling", ["eyes_closed", "EYES_CLOSED", "eyes-closed", "eyes closed", "EyesClosed"])
    def test_the_spelling_does_not_matter(self, taught, spelling):
        assert taught.condition_id(spelling) == 3
        for given_as in ({"condition": spelling}, {"next_condition": spelling}, {"next_condition": [(spelling, 1)]}):
            features = taught(signal(), RATE, NAMES, "uV", **given_as)
            assert features["condition_ids"][0, -1] == 3

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("seizure", "'seizure' is a condition that this model was not trained with: it knows rest, eyes_open,"),
            ("asleep", r"'asleep' is not a condition: it knows rest, eyes_open, eyes_closed\."),
            ("eyes_close", "'eyes_close' is not a condition: .*, the nearest being 'eyes_closed'"),
            (3, "3 is not a condition"),
        ],
    )
    def test_others_are_refused_with_the_list_and_the_nearest(self, taught, name, message):
        for arguments in (
            {"condition": [name]},
            {"next_condition": [[(name, 1)]]},
            {"annotation_conditions": {"T9": name}},
        ):
            with pytest.raises(ValueError, match=message) as error:
                taught(signal(), RATE, NAMES, "uV", **arguments)
            assert "\n" not in str(error.value)

    def test_a_model_that_heard_none_says_so(self):
        with pytest.raises(ValueError, match="it knows none, leave conditions out"):
            GETFeatureExtractor(heard_conditions=[])(signal(), RATE, NAMES, "uV", condition="rest")

    def test_annotations_of_others_are_ignored_with_one_note(self, taught):
        raw = as_raw(signal())
        raw.set_annotations(mne.Annotations([0, 2, 4], [2, 2, 2], ["rest", "Seizure", "tongue"]))
        with pytest.warns(UserWarning, match="say seizure, tongue, which this model was not trained with") as notes:
            ids = taught([raw, raw], condition="eyes_open")["condition_ids"]
        assert len(notes) == 1
        assert ids.tolist() == [[1] * 8 + [2] * 17] * 2

    def test_annotations_that_are_no_conditions_are_no_news(self, taught):
        raw = as_raw(signal()).set_annotations(mne.Annotations([0], [2], ["stimulus"]))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert not taught(raw)["condition_ids"].any()

    def test_the_list_travels_with_the_extractor(self, taught, tmp_path):
        taught.save_pretrained(tmp_path)
        assert GETFeatureExtractor.from_pretrained(tmp_path).heard_conditions == taught.heard_conditions

    @pytest.mark.parametrize("heard", [["asleep"], ["none"], ["rest", "rest"], "rest"])
    def test_a_list_that_cannot_be_is_refused(self, heard):
        with pytest.raises(ValueError, match="heard_conditions of the feature extractor must be"):
            GETFeatureExtractor(heard_conditions=heard)
