# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import pickle
import warnings

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from get_hf.processing.montage_get import (
    ELECTRODES,
    UnknownChannelError,
    channel_positions,
    nearest_names,
    parse_channel_name,
    shared_regions,
)

# Channel names as the EDF files of EEGMMIDB hold them.
EEGMMIDB = (
    "Fc5. Fc3. Fc1. Fcz. Fc2. Fc4. Fc6. C5.. C3.. C1.. Cz.. C2.. C4.. C6.. Cp5. Cp3. Cp1. Cpz. Cp2. Cp4. "
    "Cp6. Fp1. Fpz. Fp2. Af7. Af3. Afz. Af4. Af8. F7.. F5.. F3.. F1.. Fz.. F2.. F4.. F6.. F8.. Ft7. Ft8. "
    "T7.. T8.. T9.. T10. Tp7. Tp8. P7.. P5.. P3.. P1.. Pz.. P2.. P4.. P6.. P8.. Po7. Po3. Poz. Po4. Po8. "
    "O1.. Oz.. O2.. Iz.."
)
# As MNE names CHB-MIT's channels, of which T8-P8 comes twice.
CHB_MIT = (
    "FP1-F7 F7-T7 T7-P7 P7-O1 FP1-F3 F3-C3 C3-P3 P3-O1 FP2-F4 F4-C4 C4-P4 P4-O2 FP2-F8 F8-T8 T8-P8-0 P8-O2 "
    "FZ-CZ CZ-PZ P7-T7 T7-FT9 FT9-FT10 FT10-T8 T8-P8-1"
)
TUH = "FP1 FP2 F3 F4 C3 C4 P3 P4 O1 O2 F7 F8 T3 T4 T5 T6 A1 A2 FZ CZ PZ T1 T2"
CUSTOM = {"E1": (0.03, 0.1, 0.04), "E2": (-0.03, 0.1, 0.04)}

# Front to back, and round the left.
MIDLINE = "Nz NFpz Fpz AFpz AFz AFFz Fz FFCz FCz FCCz Cz CCPz CPz CPPz Pz PPOz POz POOz Oz OIz Iz"
RING = "Fpz Fp1h Fp1 AFp7 AF7 AFF7 F7 FFT7 FT7 FTT7 T7 TTP7 TP7 TPP7 P7 PPO7 PO7 POO7 O1 O1h Oz"
LOWER_RING = "Nz N1 AFp9 AF9 AFF9 F9 FFT9 FT9 FTT9 T9 TTP9 TP9 TPP9 P9 PPO9 PO9 POO9 I1 Iz F10 T10 P10"
TEN_TWENTY = "Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 Oz O2"

electrodes = st.sampled_from(sorted(ELECTRODES))


def xyz(name):
    return np.array(ELECTRODES[name])


def degrees(a, b):
    return np.degrees(np.arccos(np.clip(np.sum(np.asarray(a) * b, axis=-1), -1, 1)))


def template(kind):
    """Names and positions in metres in MNE's head frame of one of its template caps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of templates change from release to release
        montage = mne.channels.make_standard_montage(kind)
    raw = mne.io.RawArray(
        np.zeros((len(montage.ch_names), 1)), mne.create_info(montage.ch_names, 100.0, "eeg"), verbose="error"
    )
    raw.set_montage(montage, verbose="error")
    return montage.ch_names, raw.get_montage().get_positions()["ch_pos"]


def standard_1005():
    known = mne.channels.get_builtin_montages()
    return template("standard_1005" if "standard_1005" in known else "colin27_1005")


class TestPositions:
    def test_all_unit_length_and_apart(self):
        points = np.array(list(ELECTRODES.values()))
        np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-9)
        angles = degrees(points[:, None], points[None])
        # Half a step of the half ring is 9 degrees; towards the ends of a row the lines come closer together.
        assert angles[~np.eye(len(points), dtype=bool)].min() > 2.5

    def test_poles_and_axes(self):
        np.testing.assert_allclose(xyz("Cz"), [0, 0, 1], atol=1e-9)
        np.testing.assert_allclose(xyz("T8"), [1, 0, 0], atol=1e-9)
        np.testing.assert_allclose(xyz("T7"), [-1, 0, 0], atol=1e-9)
        np.testing.assert_allclose(xyz("Fpz"), [0, 1, 0], atol=1e-9)
        np.testing.assert_allclose(xyz("Oz"), [0, -1, 0], atol=1e-9)

    @pytest.mark.parametrize("name", [name for name in ELECTRODES if name.endswith("z")])
    def test_midline_has_no_side(self, name):
        assert ELECTRODES[name][0] == 0.0

    def test_midline_steps_are_equal(self):
        points = np.array([ELECTRODES[name] for name in MIDLINE.split()])
        np.testing.assert_allclose(degrees(points[1:], points[:-1]), 11.25, atol=1e-6)

    def test_ring_steps_are_equal(self):
        points = np.array([ELECTRODES[name] for name in RING.split()])
        np.testing.assert_allclose(degrees(points[1:], points[:-1]), 9, atol=1e-6)
        np.testing.assert_allclose(points[:, 2], 0, atol=1e-9)

    def test_the_lower_ring_is_level_and_one_step_below(self):
        heights = [ELECTRODES[name][2] for name in LOWER_RING.split()]
        np.testing.assert_allclose(heights, np.sin(np.radians(-22.5)), atol=1e-9)
        np.testing.assert_allclose(degrees(xyz("F9"), xyz("F7")), 22.5, atol=1e-6)
        np.testing.assert_allclose(degrees(xyz("F9h"), xyz("F7")), 11.25, atol=1e-6)

    @pytest.mark.parametrize(
        "row",
        [
            "F7 F7h F5 F5h F3 F3h F1 F1h Fz F2h F2 F4h F4 F6h F6 F8h F8",
            "FTT7 FTT7h FCC5 FCC5h FCC3 FCC3h FCC1 FCC1h FCCz FCC2h FCC2 FCC4h FCC4 FCC6h FCC6 FTT8h FTT8",
            "T7 T7h C5 C5h C3 C3h C1 C1h Cz C2h C2 C4h C4 C6h C6 T8h T8",
            "PO7 PO7h PO5 PO5h PO3 PO3h PO1 PO1h POz PO2h PO2 PO4h PO4 PO6h PO6 PO8h PO8",
        ],
    )
    def test_a_row_is_an_evenly_divided_circle(self, row):
        points = np.array([ELECTRODES[name] for name in row.split()])
        steps = degrees(points[1:], points[:-1])
        np.testing.assert_allclose(steps, steps[0], atol=1e-6)
        # One plane holds a circle: the third singular value of the centred points is nothing.
        assert np.linalg.svd(points - points.mean(0), compute_uv=False)[2] < 1e-9

    @given(electrodes)
    def test_left_mirrors_right(self, name):
        stem = name.rstrip("0123456789h")
        number = name[len(stem) :].rstrip("h")
        if not number:
            return
        half = "h" if name.endswith("h") else ""
        other = f"{stem}{int(number) + (1 if int(number) % 2 else -1)}{half}"
        np.testing.assert_allclose(xyz(name) * [-1, 1, 1], xyz(other), atol=1e-9)
        assert (xyz(name)[0] < 0) == bool(int(number) % 2)  # odd numbers are on the left

    def test_ears_and_mastoids(self):
        for left in ("A1", "M1"):
            x, _, z = ELECTRODES[left]
            assert x < -0.7
            assert z < ELECTRODES["T9"][2]
        assert ELECTRODES["M1"][1] < ELECTRODES["A1"][1] < 0


class TestAgainstMNE:
    def test_every_electrode_of_standard_1005_has_a_place(self):
        names, _ = standard_1005()
        assert len(names) > 330
        assert {parse_channel_name(name)[0] for name in names} <= set(ELECTRODES)
        new = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
        assert [parse_channel_name(name) for name in names] == [(new.get(name, name), None) for name in names]

    def test_computed_positions_agree_with_standard_1005(self):
        """Independently of ``digitised``: best-fit sphere, then the best rotation of the whole cap."""
        names, places = standard_1005()
        measured = np.array([places[name] for name in names])
        design = np.c_[2 * measured, np.ones(len(names))]
        measured = measured - np.linalg.lstsq(design, (measured**2).sum(1), rcond=None)[0][:3]
        measured /= np.linalg.norm(measured, axis=1, keepdims=True)
        computed = channel_positions(names)[:, :3].astype(float)
        u, _, vt = np.linalg.svd(computed.T @ measured)
        errors = degrees(computed, measured @ (u @ vt).T)
        assert np.median(errors) < 4
        assert errors.max() < 10

    @pytest.mark.parametrize("kind", [None, "easycap-M1", "biosemi64"])
    def test_digitised_positions_lie_where_their_names_do(self, kind):
        names, places = standard_1005() if kind is None else template(kind)
        errors = degrees(channel_positions(names, places)[:, :3], channel_positions(names)[:, :3])
        assert np.median(errors) < 4
        assert errors.max() < 10

    def test_half_a_cap_is_enough_to_find_the_head(self):
        names, places = standard_1005()
        whole = channel_positions(names, places)
        some = np.random.default_rng(0).choice(len(names), 32, replace=False)
        part = channel_positions([names[i] for i in some], {names[i]: places[names[i]] for i in some})
        assert degrees(part[:, :3], whole[some, :3]).max() < 6


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("FP1", ("Fp1", None)),
            ("fp1", ("Fp1", None)),
            ("CZ", ("Cz", None)),
            ("poz", ("POz", None)),
            ("FCZ", ("FCz", None)),
            ("aff5H", ("AFF5h", None)),
            ("AFp10h", ("AFp10h", None)),
            (" Cz ", ("Cz", None)),
            ("EEG Fp1", ("Fp1", None)),
            ("EEG:Fz", ("Fz", None)),
            ("EEG_FP1", ("Fp1", None)),
            ("EEG-Fz", ("Fz", None)),
            ("EEGFz", ("Fz", None)),
            ("eeg fp1-ref", ("Fp1", None)),
            ("EEG Fp1-LE", ("Fp1", None)),
            ("EEG FP1-AR", ("Fp1", None)),
            ("Fp1-AVG", ("Fp1", None)),
            ("Fp1-Ref", ("Fp1", None)),
            ("Fp1-CAR", ("Fp1", None)),
            ("EEG C3-LER", ("C3", None)),
            ("EEG C3-CLE", ("C3", None)),
            ("C3-LINKED", ("C3", None)),
            ("C3 linked ears", ("C3", None)),
            ("Fp1REF", ("Fp1", None)),
            ("C3-A1A2", ("C3", None)),
            ("C3-A1+A2", ("C3", None)),
            ("C3-(A1 + A2)/2", ("C3", None)),
            ("C3-M1M2", ("C3", None)),
            ("C3-A2", ("C3", "A2")),
            ("C3:A2", ("C3", "A2")),
            ("C4_M1", ("C4", "M1")),
            ("C3A2", ("C3", "A2")),
            ("EEG Fpz-Cz", ("Fpz", "Cz")),
            ("Pz-TP9", ("Pz", "TP9")),
            ("EEG A1-REF", ("A1", None)),
            ("M2", ("M2", None)),
            ("FP1-F7", ("Fp1", "F7")),
            ("FP1 \u2013 F7", ("Fp1", "F7")),
            ("T7-P7", ("T7", "P7")),
            ("T3-T5", ("T7", "P7")),
            ("T4-T6", ("T8", "P8")),
            ("T1-REF", ("FT9", None)),
            ("T8-P8-0", ("T8", "P8")),
            ("T8-P8-1", ("T8", "P8")),
            ("Cz-0", ("Cz", None)),
            ("1.Fp1", ("Fp1", None)),
            ("03 Fz", ("Fz", None)),
            ("EEG 12 Cz-REF", ("Cz", None)),
        ],
    )
    def test_spellings(self, name, expected):
        assert parse_channel_name(name) == expected

    def test_eegmmidb(self):
        parsed = [parse_channel_name(name) for name in EEGMMIDB.split()]
        assert len({electrode for electrode, _ in parsed}) == 64
        for name, (electrode, reference) in zip(EEGMMIDB.split(), parsed, strict=True):
            assert electrode.upper() == name.strip(".").upper()
            assert reference is None

    def test_chb_mit(self):
        parsed = [parse_channel_name(name) for name in CHB_MIT.split()]
        assert len(parsed) == 23
        assert len(set(parsed)) == 22  # T8-P8 twice
        for name, (electrode, reference) in zip(CHB_MIT.split(), parsed, strict=True):
            assert [electrode.upper(), reference.upper()] == name.split("-")[:2]

    @pytest.mark.parametrize("reference", ["REF", "LE"])
    def test_tuh(self, reference):
        parsed = [parse_channel_name(f"EEG {name}-{reference}") for name in TUH.split()]
        assert len(set(parsed)) == 23
        assert {reference for _, reference in parsed} == {None}

    @pytest.mark.parametrize(
        "name",
        [
            *("", " ", "-", ".", "EEG", "REF", "A1A2", "Status", "ECG", "EOG1", "EMG Chin", "STI 014"),
            *("POL E", "EEG 001", "EEG 26-REF", "E12", "A3", "B12", "T3h", "T5h", "C7", "FT5", "01", "1Fp1"),
            *("Cz-ECG", "Fp1-F7-T7", "Cz-A2-REF", "Ref-Cz", "Cz-01", "02-A2", "C3+C4", "C3,C4", "M+2"),
            *("Cz*", "O'1", "\x00", "\u0421z", "C\u00b3", "\u00df"),  # also a Cyrillic C, a raised 3, sharp s
        ],
    )
    def test_ambiguous_names_are_refused(self, name):
        with pytest.raises(UnknownChannelError):
            parse_channel_name(name)

    def test_the_error_names_the_nearest_electrodes_and_a_way_out(self):
        with pytest.raises(UnknownChannelError, match=r"'EEG FPx-REF'.*Fp1.*rename_channels.*set_montage"):
            parse_channel_name("EEG FPx-REF")
        with pytest.raises(UnknownChannelError, match=r"'Cz-FPQ'.*Fp1"):  # near the reference, not Cz
            parse_channel_name("Cz-FPQ")

    def test_the_error_survives_a_worker_process(self):
        with pytest.raises(UnknownChannelError) as caught:
            parse_channel_name("ECG")
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)

    @given(electrodes, electrodes | st.none())
    def test_canonical_names_stay(self, electrode, reference):
        name = electrode if reference is None else f"{electrode}-{reference}"
        assert parse_channel_name(name) == (electrode, reference)
        assert parse_channel_name(parse_channel_name(name)[0]) == (electrode, None)

    @given(
        electrodes,
        electrodes | st.sampled_from(["REF", "LE", "avg"]) | st.none(),
        st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
        st.sampled_from(["", "EEG ", "EEG:", "eeg_", "  ", "7. ", "EEG 7."]),
        st.sampled_from(["-", " - ", "_", ":", "/", " ", "\u2212"]),
        st.text(". _", max_size=3),
        st.sampled_from(["", "-0", "-1", "-12"]),
    )
    def test_case_and_punctuation_do_not_matter(self, electrode, reference, case, prefix, separator, noise, repeat):
        name = electrode if reference is None else f"{electrode}{separator}{reference}"
        expected = electrode, reference if reference in ELECTRODES else None
        assert parse_channel_name(prefix + case(name) + noise + repeat + noise) == expected

    @given(st.text(max_size=12) | st.text("CFPTOAMzh0123456789-+. EGR_'", max_size=12))
    def test_any_string_is_an_electrode_or_refused(self, name):
        try:
            electrode, reference = parse_channel_name(name)
        except UnknownChannelError:
            return  # and never any other error
        assert electrode in ELECTRODES
        assert reference is None or reference in ELECTRODES

    def test_nearest(self):
        assert set(nearest_names("FPx")) == {"Fp1", "Fp2", "Fpz"}
        assert nearest_names("Cz") == ["Cz", *nearest_names("Cz")[1:]]
        assert nearest_names("T5h") != []
        assert len(nearest_names("")) == 3


class TestChannelPositions:
    def test_electrode_and_reference(self):
        positions = channel_positions(["Cz", "FP1-F7", "EEG C3-A2", "EEG O1-REF", "T8-P8-0", "T8-P8-1"])
        assert positions.shape == (6, 6)
        assert positions.dtype == np.float32
        zeros = (0.0, 0.0, 0.0)
        expected = [
            ELECTRODES["Cz"] + zeros,
            ELECTRODES["Fp1"] + ELECTRODES["F7"],
            ELECTRODES["C3"] + ELECTRODES["A2"],
            ELECTRODES["O1"] + zeros,
            ELECTRODES["T8"] + ELECTRODES["P8"],
            ELECTRODES["T8"] + ELECTRODES["P8"],
        ]
        np.testing.assert_allclose(positions, expected, atol=1e-6)

    def test_no_channels(self):
        assert channel_positions([]).shape == (0, 6)

    def test_unknown_channels_are_counted(self):
        with pytest.raises(UnknownChannelError, match=r"'ECG' \(and 1 more"):
            channel_positions(["Cz", "ECG", "EMG"])

    def test_one_string_is_not_a_list_of_names(self):
        with pytest.raises(TypeError, match=r"\['Cz'\]"):
            channel_positions("Cz")

    @given(st.lists(st.tuples(electrodes, electrodes | st.none()), max_size=8))
    def test_on_the_unit_sphere(self, pairs):
        names = [electrode + ("" if reference is None else f"-{reference}") for electrode, reference in pairs]
        positions = channel_positions(names)
        np.testing.assert_allclose(np.linalg.norm(positions[:, :3], axis=1), 1, atol=1e-6)
        expected = [float(reference is not None) for _, reference in pairs]
        np.testing.assert_allclose(np.linalg.norm(positions[:, 3:], axis=1), expected, atol=1e-6)


class TestDigitised:
    @pytest.mark.parametrize("centre", [(0.0, 0.0, 0.04), (0.002, 0.015, 0.035)])
    @pytest.mark.parametrize("radius", [0.06, 0.095])
    @pytest.mark.parametrize("pitch", [0, -8])  # degrees; MNE's frame holds a real head face down
    def test_a_spherical_head_gives_the_table(self, centre, radius, pitch):
        names = TEN_TWENTY.split()
        turn = np.radians(pitch)
        rotation = [[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]]
        places = {name: np.array(rotation) @ xyz(name) * radius + centre for name in names}
        errors = degrees(channel_positions(names, places)[:, :3], channel_positions(names)[:, :3])
        assert errors.max() < 1

    def test_only_digitised_names_need_no_table(self):
        positions = channel_positions(["E1", "E2"], CUSTOM)
        np.testing.assert_allclose(np.linalg.norm(positions[:, :3], axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(positions[0, :3], positions[1, :3] * [-1, 1, 1], atol=1e-6)
        assert not positions[:, 3:].any()

    def test_one_point_is_seen_from_the_usual_centre(self):
        position = channel_positions(["E1"], {"E1": (0.0, 0.11, 0.04)})
        np.testing.assert_allclose(position[0, :3], [0, 1, 0], atol=1e-6)

    def test_a_headband_does_not_move_the_centre_out_of_its_plane(self):
        names = ["TP9", "AF7", "AF8", "TP10"]
        _, places = standard_1005()
        positions = channel_positions(names, {name: places[name] for name in names})
        assert degrees(positions[:, :3], channel_positions(names)[:, :3]).max() < 15

    def test_absent_and_empty_positions_come_from_the_table(self):
        nothing = {"Cz": (np.nan, np.nan, np.nan), "Pz": (0.0, 0.0, 0.0), "Oz": (np.inf, 0.0, 0.0)}
        names = ["Cz", "Pz", "Oz", "Fz-Cz"]
        np.testing.assert_array_equal(channel_positions(names, nothing), channel_positions(names))
        mixed = channel_positions(["E1", "Cz"], CUSTOM | nothing)
        np.testing.assert_allclose(mixed[1, :3], [0, 0, 1], atol=1e-6)

    def test_an_unknown_name_with_an_empty_position_is_refused(self):
        with pytest.raises(UnknownChannelError, match="E9"):
            channel_positions(["E9"], CUSTOM | {"E9": (np.nan,) * 3})

    def test_other_spellings_and_references_find_the_digitised_place(self):
        digitised = {"EEG FP1-REF": (-0.02, 0.1, 0.06)}
        here, there = channel_positions(["Fp1..", "F7-Fp1"], digitised)
        np.testing.assert_array_equal(here[:3], there[3:])
        assert degrees(here[:3], xyz("Fp1")) > 5
        np.testing.assert_allclose(there[:3], ELECTRODES["F7"], atol=1e-6)

    def test_names_of_another_system_do_not_turn_the_cap(self):
        """BioSemi's 128 electrodes are called A1 to D32: its C1 is not the one of the 10-10 system."""
        names, places = template("biosemi128")
        positions = channel_positions(names, places)
        raw = np.array([places[name] for name in names]) - [0, 0, 0.04]
        raw /= np.linalg.norm(raw, axis=1, keepdims=True)
        assert degrees(positions[:, :3], raw).max() < 2

    def test_millimetres_are_refused(self):
        _, places = standard_1005()
        with pytest.raises(ValueError, match="metres"):
            channel_positions(["Cz"], {name: 1000 * point for name, point in places.items()})

    def test_two_coordinates_are_refused(self):
        with pytest.raises(ValueError, match=r"'Cz'.*\(2,\)"):
            channel_positions(["Cz"], {"Cz": (0.0, 0.1)})

    @given(
        st.dictionaries(
            st.sampled_from(["Cz", "T3", "E1", "FP1-F7", "EEG O2-REF", "C4"]),
            st.tuples(*[st.floats(-0.15, 0.15, allow_subnormal=False) | st.just(float("nan"))] * 3),
        )
    )
    def test_whatever_the_points_the_result_is_on_the_sphere(self, digitised):
        positions = channel_positions(["Cz", "T7", "Fp1-F7", "O2", "C4-Cz"], digitised)
        np.testing.assert_allclose(np.linalg.norm(positions[:, :3], axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(positions[:, 3:], axis=1), [0, 0, 1, 0, 1], atol=1e-5)


def test_montages_that_cover_the_same_regions_share_them_whatever_their_number_of_channels():
    of_64 = channel_positions(EEGMMIDB.split())
    assert shared_regions(of_64, channel_positions(TEN_TWENTY.split())) > 0.9
    assert shared_regions(of_64, channel_positions(["C3", "Cz", "C4"])) < 0.5
    assert shared_regions(channel_positions(["C3", "Cz", "C4"]), of_64) < 0.5
    assert shared_regions(channel_positions(["O1", "O2"]), channel_positions(["Fp1", "Fp2"])) == 0
    # both electrodes of a bipolar channel count
    assert shared_regions(channel_positions(["O1-Fp1"]), channel_positions(["Fp1", "O1"])) == 1
