# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Positions of 10-20, 10-10 and 10-05 electrodes from their definition, and a parser of channel names.

GET knows a channel only by the positions of its electrode and its reference on the head, so every spelling in
a recording (``Fc5.``, ``EEG FP1-REF``, ``T3``, ``FP1-F7``, ``T8-P8-0``) has to lead to a point on the unit
sphere.

Positions are not stored. They follow from the percentages that define the systems, drawn on a sphere:

- the midline nasion - Cz - inion is divided in steps of 10 % (5 % for the 10-05 system). The ring Fpz - T7 -
  Oz - T8, 10 % above nasion, inion and ears, is the equator; Cz is the pole, so 10 % of the midline
  is 22.5 degrees;
- each half of that ring is divided in steps of 10 %, which are 18 degrees (Fpz, Fp1, AF7, F7, ... O1, Oz);
- a coronal row is the circle through its left ring electrode, its midline electrode and its right ring
  electrode, each half divided in four (F7, F5, F3, F1, Fz), or in eight by the names that end in ``h``;
- the electrodes numbered 9 and 10, Nz and Iz lie 10 % below the ring, and 9h and 10h half-way.

References: Jasper (1958), Electroencephalogr. Clin. Neurophysiol. 10, 371-375 (10-20 system); Oostenveld and
Praamstra (2001), Clin. Neurophysiol. 112, 713-719 (10-05 system); Jurcak, Tsuzuki and Dan (2007), NeuroImage
34, 1600-1611.

The frame everywhere: x to the right ear, y to the nose, z up; unit sphere around the centre of the head.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


class UnknownChannelError(ValueError):
    """A channel name without an electrode position; the message lists similar names and a solution."""


# Coronal rows from front to back, 5 % of the midline apart. From number 7 outwards the stem is temporal.
_FRONT_ROWS = ("Fp", "AFp", "AF", "AFF", "F", "FFC", "FC", "FCC")
_BACK_ROWS = ("CCP", "CP", "CPP", "P", "PPO", "PO", "POO", "O")
_TEMPORAL = {"FFC": "FFT", "FC": "FT", "FCC": "FTT", "C": "T", "CCP": "TTP", "CP": "TP", "CPP": "TPP"}
_MIDLINE_STEP = np.pi / 16  # 5 % of the midline: Fpz to Cz is 40 % and a quarter turn
_RING_STEP = np.pi / 20  # 5 % of half the ring: Fpz to Oz is 100 % and half a turn
# One eighth, two eighths, ... of the way from the midline to the ring.
_NUMBERS = ("1h", "1", "3h", "3", "5h", "5", "7h")


def _on_ring(ring_steps: float, steps_below: int = 0) -> np.ndarray:
    """Left point (3,), ``ring_steps`` of 5 % from Fpz along the ring and ``steps_below`` of 5 % under it."""
    azimuth, elevation = ring_steps * _RING_STEP, -steps_below * _MIDLINE_STEP
    return np.array([-np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])


def _along_row(middle: np.ndarray, left: np.ndarray, fraction: float) -> np.ndarray:
    """Point (3,) at ``fraction`` of the arc from ``middle`` to ``left`` on the circle with left's mirror."""
    # The mirror differs from left in x only, so the circle's plane holds the x direction and its normal does
    # not: the normal is the row's slope in the plane x = 0, turned by a quarter. The centre is the plane's
    # nearest point.
    slope = left - middle
    normal = np.array([0.0, -slope[2], slope[1]]) / np.hypot(slope[1], slope[2])
    centre = normal * (normal @ middle)
    start, end = middle - centre, left - centre
    angle = np.arccos(np.clip(start @ end / (start @ start), -1.0, 1.0))
    return centre + (np.sin((1 - fraction) * angle) * start + np.sin(fraction * angle) * end) / np.sin(angle)


def _mirrored(name: str) -> str:
    """Right-hand name of a left-hand one: odd numbers become the next even one (F7h to F8h, P9 to P10)."""
    return re.sub(r"\d+", lambda number: str(int(number.group()) + 1), name)


def _build_electrodes() -> dict[str, tuple[float, float, float]]:
    """All positions, canonical name to unit (x, y, z)."""
    middle: dict[str, np.ndarray] = {}
    left: dict[str, np.ndarray] = {}
    for index, stem in enumerate((*_FRONT_ROWS, "C", *_BACK_ROWS)):
        angle = (8 - index) * _MIDLINE_STEP  # from Cz, positive to the front
        middle[stem + "z"] = np.array([0.0, np.sin(angle), np.cos(angle)])
        ring = 2 + index  # Fp1 is 10 % along the ring, O1 90 %
        if stem in ("Fp", "O"):
            continue  # these two rows lie on the ring itself, below
        lateral = _TEMPORAL.get(stem, stem)
        left[lateral + "7"] = _on_ring(ring)
        left[lateral + "9h"] = _on_ring(ring, 1)
        left[lateral + "9"] = _on_ring(ring, 2)
        for eighths, number in enumerate(_NUMBERS, start=1):
            name = (lateral if number == "7h" else stem) + number
            left[name] = _along_row(middle[stem + "z"], left[lateral + "7"], eighths / 8)
    # The front and back rows on the ring, and the ones 5 % and 10 % below it, down to nasion and inion.
    for stems, outer, half, mid in ((("Fp", "NFp", "N"), 2, 1, 0), (("O", "OI", "I"), 18, 19, 20)):
        for steps_below, stem in enumerate(stems):
            left[stem + "1"] = _on_ring(outer, steps_below)
            left[stem + "1h"] = _on_ring(half, steps_below)
            middle[stem + "z"] = _on_ring(mid, steps_below)
    # Off the system, but common references: the ear lobes hang between T9 and TP9 and 5 % below them, the
    # mastoids lie 5 % below TP9 and TP10.
    left["A1"] = _on_ring(11, 3)
    left["M1"] = _on_ring(12, 3)

    def unit(xyz: np.ndarray) -> tuple[float, float, float]:
        # Rounded far below any precision of measurement: sin(pi) is not quite zero, and Oz's x should be.
        x, y, z = np.round(xyz / np.linalg.norm(xyz), 12) + 0.0
        return (float(x), float(y), float(z))

    electrodes = {name: unit(xyz * [0.0, 1.0, 1.0]) for name, xyz in middle.items()}
    for name, xyz in left.items():
        electrodes[name] = unit(xyz)
        electrodes[_mirrored(name)] = unit(xyz * [-1.0, 1.0, 1.0])
    return electrodes


#: Canonical name to unit (x, y, z): 10-20, 10-10 and 10-05 systems, ear lobes A1 A2 and mastoids M1 M2.
ELECTRODES: dict[str, tuple[float, float, float]] = _build_electrodes()
#: The scalp electrodes of the 10-20 system, and Oz: most recordings of most laboratories have them.
USUAL_CHANNELS = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8"),
    *("T7", "C3", "Cz", "C4", "T8"),
    *("P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"),
)

# Older names of the same places. The 10-20 system of 1958 says T3 T4 T5 T6 where 10-10 says T7 T8 P7 P8: T5
# is hence never a neighbour of T7 in the row of C5, and there is no T3h. T1 and T2 (Silverman's anterior
# temporal electrodes) are nearest to FT9 and FT10; Jurcak's O9 and O10 are I1 and I2.
_OLD_NAMES = {
    **{"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"},
    **{"T1": "FT9", "T2": "FT10", "O9": "I1", "O10": "I2"},
}
_CANONICAL = {name.upper(): name for name in ELECTRODES} | _OLD_NAMES

# Words in the place of a reference electrode that are not one place: common, average and linked references.
_COMMON_REFERENCES = {
    *("REF", "REFERENCE", "COMMON", "CMS", "ORG", "G2", "REST"),
    *("AR", "AV", "AVE", "AVG", "AVERAGE", "MEAN", "CAR"),
    *("LE", "LER", "CLE", "LM", "A12", "LINKED", "EAR", "EARS", "MASTOID", "MASTOIDS"),
}
_LINKED_PAIR = re.compile(r"(A1A2|A2A1|M1M2|M2M1)2?")  # also (A1+A2)/2
_PUNCTUATION = r"\s\-_.:/()\[\]"
# "EEG Fp1", "EEG:Fp1", "1 EEG Fp1", "03.Fp1". A number before a hyphen stays: "02-A2" may be a mistyped O2.
_PREFIX = re.compile(rf"[{_PUNCTUATION}]*(?:\d+[\s.:_)]+(?=EEG))?(?:EEG[{_PUNCTUATION}]*)?(?:\d+[\s.:_)]+(?=[A-Z]))?")
# MNE numbers channels of equal name: T8-P8-0.
_DUPLICATE = re.compile(rf"(?:-(?:0|[1-9]\d*))+[{_PUNCTUATION}]*$")
_GLUED_REFERENCE = re.compile(r"(.+?)(A1A2|M1M2|A1|A2|M1|M2|REF)")  # C3A2, as some sleep recordings write it
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212\xa0", "------ ")


def _tokens(name: str) -> list[str]:
    """Upper-case words of a channel name, without ``EEG``, channel numbers and MNE's duplicate numbers."""
    text = str(name).translate(_DASHES).upper()
    text = re.sub(r"(?<=[12])\s*\+\s*(?=[AM])", "", text)  # A1+A2 is one linked reference, not a pair
    if not text.isascii() or re.search(rf"[^A-Z0-9{_PUNCTUATION}]", text):
        return []  # for instance O'1, a depth electrode: reading it as O1 would be wrong by centimetres
    text = _DUPLICATE.sub("", _PREFIX.sub("", text, count=1))
    tokens = re.findall(r"[A-Z0-9]+", text)
    if tokens and tokens[0] not in _CANONICAL:
        glued = _GLUED_REFERENCE.fullmatch(tokens[0])
        if glued and glued[1] in _CANONICAL and glued[1] not in ("A1", "A2", "M1", "M2"):
            tokens[:1] = glued.groups()
    return tokens


def nearest_names(name: str) -> list[str]:
    """The three known electrode names most similar to a name in any spelling, best first.

    Among equally similar names, the shorter and hence more usual one comes first.
    """
    tokens = _tokens(name) or [str(name).upper()]
    unknown = [token for token in tokens if token not in _CANONICAL and token not in _COMMON_REFERENCES]
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2((unknown or tokens)[0][:32])

    def distance(electrode: str) -> tuple[float, int]:
        matcher.set_seq1(electrode.upper())
        return -matcher.ratio(), len(electrode)

    return sorted(ELECTRODES, key=distance)[:3]


def _unknown(name: str, more: int = 0) -> UnknownChannelError:
    others = f" (and {more} more like it)" if more else ""
    return UnknownChannelError(
        f"channel {name!r}{others} is not an electrode of the 10-20, 10-10 or 10-05 system; the nearest "
        f"known names are {', '.join(nearest_names(name))}. Rename it (in MNE: raw.rename_channels), give it "
        "a digitised position (in MNE: raw.set_montage), or drop it if it is not EEG."
    )


def find_electrodes(name: str) -> tuple[str, str | None] | None:
    """Result of ``parse_channel_name``, or None for a name that it refuses."""
    electrode, *reference = _tokens(name) or [""]
    if electrode not in _CANONICAL:
        return None
    if all(word in _COMMON_REFERENCES for word in reference) or _LINKED_PAIR.fullmatch("".join(reference)):
        return _CANONICAL[electrode], None
    if len(reference) == 1 and reference[0] in _CANONICAL:
        return _CANONICAL[electrode], _CANONICAL[reference[0]]
    return None


def parse_channel_name(name: str) -> tuple[str, str | None]:
    """Electrode and reference in a channel name, in canonical 10-05 spelling.

    Case, spaces, dots, underscores, an ``EEG`` prefix, a channel number before the name and the ``-0`` that
    MNE adds to repeated names do not matter. ``T3``, ``T4``, ``T5``, ``T6`` become ``T7``, ``T8``, ``P7``,
    ``P8``.

    Args:
        name: for instance ``Fc5.``, ``EEG FP1-REF``, ``C3-A2``, ``FP1-F7``, ``T8-P8-0``.

    Returns:
        The electrode, and its reference: None when the name gives none, or a reference that is not one place
        (``REF``, ``LE``, ``AR``, ``AVG``, linked ears ``A1A2``, linked mastoids ``M1M2``).

    Raises:
        UnknownChannelError: the electrode or the reference is unknown; the message lists the nearest names.
    """
    found = find_electrodes(name)
    if found is None:
        raise _unknown(name)
    return found


_USUAL_CENTRE = np.array([0.0, 0.01, 0.04])  # metres: before and above the point between the ears
_CENTRE_SPREAD = 0.015  # metres: how far from there a head's centre may lie
_SCALP_SPREAD = 0.005  # metres: how far from a sphere the electrodes of a real head lie
_HEAD_RADIUS = 0.095  # metres


def _head_centre(points: np.ndarray) -> np.ndarray:
    """Centre (3,) in metres of the sphere that fits scalp ``points`` (N, 3) best, near its usual place.

    Least squares of |p|^2 = 2 p.c + (r^2 - |c|^2), which is linear in the centre c, together with the prior
    that c lies within about 15 mm of the usual one. The prior decides where the points cannot: one to three
    points, a headband in one plane, a small patch. Many points all around the head outweigh it.
    """
    # An electrode 5 mm off the sphere errs by 2 r (5 mm) in |p|^2; a centre 15 mm off the usual one costs the same.
    precision = 2 * _HEAD_RADIUS * _SCALP_SPREAD / _CENTRE_SPREAD
    design = np.column_stack([2 * points, np.ones(len(points))])
    design = np.vstack([design, precision * np.eye(3, 4)])
    target = np.concatenate([(points**2).sum(1), precision * _USUAL_CENTRE])
    return np.linalg.lstsq(design, target, rcond=None)[0][:3]


def _level(directions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Pitch unit ``directions`` (by channel name) about the x axis, so that named electrodes fit the table.

    MNE's head frame is level with nasion and ears, the 10-20 system with nasion and inion: on real heads
    these differ by up to 8 degrees, so that digitisation and name would give one electrode two places. Only this
    one angle is corrected, and only with four named electrodes or more that are at least half of all (a BioSemi
    cap's A1 to D32 include a C1 at another place). Otherwise, the fit of the cap is information and stays.
    """
    pairs = []
    for name, direction in directions.items():
        found = find_electrodes(name)
        if found is not None:  # E12 and the like have a position but no place in the system
            pairs.append((direction, ELECTRODES[found[0]]))
    if len(pairs) < max(4, len(directions) / 2):
        return directions
    seen, expected = np.array(pairs).transpose(1, 0, 2)
    sine = (seen[:, 1] * expected[:, 2] - seen[:, 2] * expected[:, 1]).sum()
    # + 1, one electrode's vote for no change: electrodes near the x axis say little about pitch.
    cosine = (seen[:, 1:] * expected[:, 1:]).sum() + 1.0
    sine, cosine = np.array([sine, cosine]) / np.hypot(sine, cosine)
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    return {name: rotation @ direction for name, direction in directions.items()}


def _project(digitised: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """Unit-sphere directions (3,) of the valid digitised positions; see ``channel_positions``."""
    points: dict[str, np.ndarray] = {}
    for name, xyz in digitised.items():
        point = np.asarray(xyz, dtype=np.float64)
        if point.shape != (3,):
            raise ValueError(f"digitised position of {name!r}: shape {point.shape}, expected (3,): xyz")
        if np.isfinite(point).all() and point.any():
            points[name] = point
    if not points:
        return {}
    stacked = np.array(list(points.values()))
    typical = np.median(np.linalg.norm(stacked, axis=1))
    if typical > 0.3:
        raise ValueError(
            f"digitised positions are typically {typical:.3g} from the origin, but electrodes are about "
            "0.1 m from it: pass metres in head coordinates, as raw.get_montage().get_positions()['ch_pos'] "
            "gives (divide millimetres by 1000)"
        )
    offsets = stacked - _head_centre(stacked)
    distances = np.linalg.norm(offsets, axis=1)
    # A point at the very centre has no direction, so it counts as not digitised.
    directions = {n: o / d for n, o, d in zip(points, offsets, distances, strict=True) if d > 1e-3}
    return _level(directions)


def locate_channels(ch_names: Sequence[str], digitised: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Positions `(channels, 6)` by name where it is known, as in training, else by digitisation.

    See `channel_positions`.
    """
    known = np.array([find_electrodes(name) is not None for name in ch_names])
    if digitised and known.mean() < 0.5:
        known[:] = False  # names of other systems: a BioSemi cap's A1 to D32 include a C1 that is elsewhere
    positions = np.zeros((len(known), 6), np.float32)
    for rows, measured in ((known, None), (~known, digitised)):
        positions[rows] = channel_positions([name for name, row in zip(ch_names, rows, strict=True) if row], measured)
    return positions


def channel_positions(ch_names: Iterable[str], digitised: Mapping[str, Sequence[float]] | None = None) -> np.ndarray:
    """Positions of each channel's electrode and reference on the unit sphere.

    Digitised positions are projected onto the sphere in three steps. (1) The centre of the head is the centre of
    the sphere that fits all positions best. Where they are too few or too close, it stays near the usual place,
    10 mm before and 40 mm above the point between the ears. (2) Each position becomes its direction from there.
    (3) All are pitched about the ear-to-ear axis to the level of the 10-20 system if four or more, and half of
    all, have its names. Positions that are NaN or zero count as not digitised.

    Args:
        ch_names: C channel names, in any spelling ``parse_channel_name`` reads. Names may repeat.
        digitised: channel name to (x, y, z) in metres in MNE's head frame (x right, y front, z up, origin
            between the ears). Used for every electrode and reference that it contains, by the same name or by
            another spelling of the same electrode; the others come from ``ELECTRODES``.

    Returns:
        float32 (C, 6): x, y, z of the electrode and x, y, z of its reference, without unit, each of length
        one. The reference is (0, 0, 0) when it is common to all channels, averaged, linked or not given by
        the name, also for names only known by their digitised position.

    Raises:
        UnknownChannelError: a channel has no name of the system and is not digitised.
        ValueError: digitised positions are not three numbers, or not in metres.
        TypeError: ``ch_names`` is one string, not a list of names.
    """
    if isinstance(ch_names, str):
        raise TypeError(f"ch_names is the one string {ch_names!r}, expected a list of names: [{ch_names!r}]")
    ch_names = list(ch_names)
    directions = _project(digitised or {})
    places: dict[str, np.ndarray | tuple[float, float, float]] = dict(ELECTRODES)
    for name, direction in reversed(directions.items()):  # so that the first of several spellings counts
        found = find_electrodes(name)
        if found is not None:
            places[found[0]] = direction

    positions = np.zeros((len(ch_names), 6), dtype=np.float32)
    unknown = []
    for row, name in zip(positions, ch_names, strict=True):
        found = find_electrodes(name)
        if found is None:
            if name in directions:
                row[:3] = directions[name]
            else:
                unknown.append(name)
            continue
        electrode, reference = found
        row[:3] = directions.get(name, places[electrode])
        if reference is not None:
            row[3:] = places[reference]
    if unknown:
        raise _unknown(unknown[0], more=len(unknown) - 1)
    return positions
