# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
"""Computes the positions of 10-20, 10-10 and 10-05 electrodes from their definition, and parses channel names.

GET identifies a channel only by the positions of its electrode and its reference on the head. So every spelling
in a recording (``Fc5.``, ``EEG FP1-REF``, ``T3``, ``FP1-F7``, ``T8-P8-0``) must be converted to a point on the
unit sphere.

Positions are not stored. They are computed on a sphere from the percentages that define the systems:

- The midline nasion - Cz - inion is divided in steps of 10 % (5 % for the 10-05 system). The ring Fpz - T7 -
  Oz - T8, which is 10 % above nasion, inion and ears, is the equator. Cz is the pole, so 10 % of the midline
  is 22.5 degrees.
- Each half of that ring is divided in steps of 10 %, which are 18 degrees (Fpz, Fp1, AF7, F7, ... O1, Oz).
- A coronal row is the circle through its left ring electrode, its midline electrode and its right ring
  electrode. Each half of a row is divided in four parts (F7, F5, F3, F1, Fz), or in eight parts with the names
  that end in ``h``.
- The electrodes with the numbers 9 and 10, Nz and Iz are 10 % below the ring. 9h and 10h are 5 % below it.

References: Jasper (1958), Electroencephalogr. Clin. Neurophysiol. 10, 371-375 (10-20 system); Oostenveld and
Praamstra (2001), Clin. Neurophysiol. 112, 713-719 (10-05 system); Jurcak, Tsuzuki and Dan (2007), NeuroImage
34, 1600-1611.

All functions use the same coordinates: x points to the right ear, y to the nose, and z up. The unit sphere is
around the centre of the head.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


class UnknownChannelError(ValueError):
    """The error that a channel name has no electrode position. The message lists similar names and a solution."""


# Coronal rows from front to back, at distances of 5 % of the midline. Electrodes with the number 7 or a larger number
# have the temporal name of the row.
_FRONT_ROWS = ("Fp", "AFp", "AF", "AFF", "F", "FFC", "FC", "FCC")
_BACK_ROWS = ("CCP", "CP", "CPP", "P", "PPO", "PO", "POO", "O")
_TEMPORAL = {"FFC": "FFT", "FC": "FT", "FCC": "FTT", "C": "T", "CCP": "TTP", "CP": "TP", "CPP": "TPP"}
_MIDLINE_STEP = np.pi / 16  # 5 % of the midline: Fpz to Cz is 40 % and a quarter turn
_RING_STEP = np.pi / 20  # 5 % of half the ring: Fpz to Oz is 100 % and half a turn
# Number in the name at 1/8, 2/8, ... 7/8 of the way from the midline to the ring.
_NUMBERS = ("1h", "1", "3h", "3", "5h", "5", "7h")


def _on_ring(ring_steps: float, steps_below: int = 0) -> np.ndarray:
    """Returns the point (3,) on the left side, ``ring_steps`` from Fpz along the ring and ``steps_below`` under it.

    All steps are 5 %.
    """
    azimuth, elevation = ring_steps * _RING_STEP, -steps_below * _MIDLINE_STEP
    return np.array([-np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])


def _along_row(middle: np.ndarray, left: np.ndarray, fraction: float) -> np.ndarray:
    """Returns the point (3,) at ``fraction`` of the arc from ``middle`` to ``left``.

    The arc is on the circle through ``middle``, ``left`` and the mirror image of ``left``.
    """
    # The mirror image differs from left only in x. So the plane of the circle contains the x direction, and its
    # normal is the slope of the row in the plane x = 0, turned by 90 degrees. The centre of the circle is the
    # point of this plane that is nearest to the origin.
    slope = left - middle
    normal = np.array([0.0, -slope[2], slope[1]]) / np.hypot(slope[1], slope[2])
    centre = normal * (normal @ middle)
    start, end = middle - centre, left - centre
    angle = np.arccos(np.clip(start @ end / (start @ start), -1.0, 1.0))
    return centre + (np.sin((1 - fraction) * angle) * start + np.sin(fraction * angle) * end) / np.sin(angle)


def _mirrored(name: str) -> str:
    """Returns the right-hand name for a left-hand name, with the next even number (F7h to F8h, P9 to P10)."""
    return re.sub(r"\d+", lambda number: str(int(number.group()) + 1), name)


def _build_electrodes() -> dict[str, tuple[float, float, float]]:
    """Computes all positions; returns a mapping from canonical names to unit vectors (x, y, z)."""
    middle: dict[str, np.ndarray] = {}
    left: dict[str, np.ndarray] = {}
    for index, stem in enumerate((*_FRONT_ROWS, "C", *_BACK_ROWS)):
        angle = (8 - index) * _MIDLINE_STEP  # from Cz, positive to the front
        middle[stem + "z"] = np.array([0.0, np.sin(angle), np.cos(angle)])
        ring = 2 + index  # Fp1 is 10 % along the ring, O1 90 %
        if stem in ("Fp", "O"):
            continue  # these two rows lie on the ring itself and are computed below
        lateral = _TEMPORAL.get(stem, stem)
        left[lateral + "7"] = _on_ring(ring)
        left[lateral + "9h"] = _on_ring(ring, 1)
        left[lateral + "9"] = _on_ring(ring, 2)
        for eighths, number in enumerate(_NUMBERS, start=1):
            name = (lateral if number == "7h" else stem) + number
            left[name] = _along_row(middle[stem + "z"], left[lateral + "7"], eighths / 8)
    # The front and back rows on the ring, and the rows 5 % and 10 % below it, down to nasion and inion.
    for stems, outer, half, mid in ((("Fp", "NFp", "N"), 2, 1, 0), (("O", "OI", "I"), 18, 19, 20)):
        for steps_below, stem in enumerate(stems):
            left[stem + "1"] = _on_ring(outer, steps_below)
            left[stem + "1h"] = _on_ring(half, steps_below)
            middle[stem + "z"] = _on_ring(mid, steps_below)
    # These are not in the systems, but are common references: the ear lobes are between T9 and TP9 and 5 % below
    # them, and the mastoids are 5 % below TP9 and TP10.
    left["A1"] = _on_ring(11, 3)
    left["M1"] = _on_ring(12, 3)

    def unit(xyz: np.ndarray) -> tuple[float, float, float]:
        # Rounding errors are removed, because sin(pi) is not exactly zero, but the x of Oz should be.
        x, y, z = np.round(xyz / np.linalg.norm(xyz), 12) + 0.0
        return (float(x), float(y), float(z))

    electrodes = {name: unit(xyz * [0.0, 1.0, 1.0]) for name, xyz in middle.items()}
    for name, xyz in left.items():
        electrodes[name] = unit(xyz)
        electrodes[_mirrored(name)] = unit(xyz * [-1.0, 1.0, 1.0])
    return electrodes


#: Mapping from canonical names to unit vectors (x, y, z), for the electrodes of the 10-20, 10-10 and 10-05 systems,
#: the ear lobes A1 A2 and the mastoids M1 M2.
ELECTRODES: dict[str, tuple[float, float, float]] = _build_electrodes()
#: The scalp electrodes of the 10-20 system, and Oz. Most recordings of most laboratories have them.
USUAL_CHANNELS = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8"),
    *("T7", "C3", "Cz", "C4", "T8"),
    *("P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"),
)

# Older names of the same places. T3 T4 T5 T6 of the 10-20 system of 1958 are T7 T8 P7 P8 of the 10-10 system. So T5
# is not a neighbour of T7 in the row of C5, and there is no T3h. T1 and T2 (Silverman's anterior temporal
# electrodes) are nearest to FT9 and FT10. O9 and O10 of Jurcak are I1 and I2.
_OLD_NAMES = {
    **{"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"},
    **{"T1": "FT9", "T2": "FT10", "O9": "I1", "O10": "I2"},
}
_CANONICAL = {name.upper(): name for name in ELECTRODES} | _OLD_NAMES

# Words for references that are not at one place: common, average and linked references.
_COMMON_REFERENCES = {
    *("REF", "REFERENCE", "COMMON", "CMS", "ORG", "G2", "REST"),
    *("AR", "AV", "AVE", "AVG", "AVERAGE", "MEAN", "CAR"),
    *("LE", "LER", "CLE", "LM", "A12", "LINKED", "EAR", "EARS", "MASTOID", "MASTOIDS"),
}
_LINKED_PAIR = re.compile(r"(A1A2|A2A1|M1M2|M2M1)2?")  # also (A1+A2)/2
_PUNCTUATION = r"\s\-_.:/()\[\]"
# "EEG Fp1", "EEG:Fp1", "1 EEG Fp1", "03.Fp1". A number before a hyphen is kept, because "02-A2" may be a mistyped O2.
_PREFIX = re.compile(rf"[{_PUNCTUATION}]*(?:\d+[\s.:_)]+(?=EEG))?(?:EEG[{_PUNCTUATION}]*)?(?:\d+[\s.:_)]+(?=[A-Z]))?")
# MNE adds numbers to equal channel names: T8-P8-0.
_DUPLICATE = re.compile(rf"(?:-(?:0|[1-9]\d*))+[{_PUNCTUATION}]*$")
_GLUED_REFERENCE = re.compile(r"(.+?)(A1A2|M1M2|A1|A2|M1|M2|REF)")  # C3A2, as some sleep recordings write it
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212\xa0", "------ ")


def _tokens(name: str) -> list[str]:
    """Splits a channel name into upper-case words, without ``EEG``, channel numbers and MNE's duplicate numbers."""
    text = str(name).translate(_DASHES).upper()
    text = re.sub(r"(?<=[12])\s*\+\s*(?=[AM])", "", text)  # A1+A2 is one linked reference, not a pair
    if not text.isascii() or re.search(rf"[^A-Z0-9{_PUNCTUATION}]", text):
        return []  # for instance O'1 is a depth electrode, which is centimetres away from O1
    text = _DUPLICATE.sub("", _PREFIX.sub("", text, count=1))
    tokens = re.findall(r"[A-Z0-9]+", text)
    if tokens and tokens[0] not in _CANONICAL:
        glued = _GLUED_REFERENCE.fullmatch(tokens[0])
        if glued and glued[1] in _CANONICAL and glued[1] not in ("A1", "A2", "M1", "M2"):
            tokens[:1] = glued.groups()
    return tokens


def nearest_names(name: str) -> list[str]:
    """Returns the three known electrode names that are most similar to a name in any spelling, best first.

    Of equally similar names, the shorter name comes first, because it is more usual.
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
    """Returns the result of ``parse_channel_name``, or None for a name for which it raises an error."""
    electrode, *reference = _tokens(name) or [""]
    if electrode not in _CANONICAL:
        return None
    if all(word in _COMMON_REFERENCES for word in reference) or _LINKED_PAIR.fullmatch("".join(reference)):
        return _CANONICAL[electrode], None
    if len(reference) == 1 and reference[0] in _CANONICAL:
        return _CANONICAL[electrode], _CANONICAL[reference[0]]
    return None


def parse_channel_name(name: str) -> tuple[str, str | None]:
    """Finds the electrode and the reference in a channel name, and returns them in canonical 10-05 spelling.

    Case, spaces, dots, underscores, an ``EEG`` prefix, a channel number before the name and the ``-0`` that
    MNE adds to repeated names do not matter. ``T3``, ``T4``, ``T5``, ``T6`` become ``T7``, ``T8``, ``P7``,
    ``P8``.

    Args:
        name: Channel name, for instance ``Fc5.``, ``EEG FP1-REF``, ``C3-A2``, ``FP1-F7``, ``T8-P8-0``.

    Returns:
        The electrode and its reference. The reference is None if the name contains none, or if the reference is
        not at one place (``REF``, ``LE``, ``AR``, ``AVG``, linked ears ``A1A2``, linked mastoids ``M1M2``).

    Raises:
        UnknownChannelError: The electrode or the reference is unknown. The message lists the most similar names.
    """
    found = find_electrodes(name)
    if found is None:
        raise _unknown(name)
    return found


_USUAL_CENTRE = np.array([0.0, 0.01, 0.04])  # metres, in front of and above the point between the ears
_CENTRE_SPREAD = 0.015  # metres, typical distance between the centre of a head and the usual centre
_SCALP_SPREAD = 0.005  # metres, typical distance between the electrodes of a real head and a sphere
_HEAD_RADIUS = 0.095  # metres


def _head_centre(points: np.ndarray) -> np.ndarray:
    """Computes the centre (3,) in metres of the sphere that best fits scalp ``points`` (N, 3).

    The centre c is the least-squares solution of |p|^2 = 2 p.c + (r^2 - |c|^2), which is linear in c, with the
    prior that c is within about 15 mm of the usual centre. The prior determines c where the points cannot: with one
    to three points, a headband in one plane, or a small group of electrodes. With many points all around the head,
    the prior hardly matters.
    """
    # An electrode 5 mm off the sphere has an error of 2 r (5 mm) in |p|^2; a centre 15 mm off the usual centre costs
    # the same.
    precision = 2 * _HEAD_RADIUS * _SCALP_SPREAD / _CENTRE_SPREAD
    design = np.column_stack([2 * points, np.ones(len(points))])
    design = np.vstack([design, precision * np.eye(3, 4)])
    target = np.concatenate([(points**2).sum(1), precision * _USUAL_CENTRE])
    return np.linalg.lstsq(design, target, rcond=None)[0][:3]


def _level(directions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rotates unit ``directions`` (by channel name) about the x axis, so that named electrodes fit the table.

    The horizontal plane of MNE's head frame goes through nasion and ears, and the plane of the 10-20 system through
    nasion and inion. On real heads, these planes differ by up to 8 degrees. So an electrode would have two positions,
    one from digitisation and one from its name. Only this angle is corrected. Other differences are kept, because they
    show how the cap was placed. The angle is only corrected if at least four electrodes, and at least half of all
    electrodes, have known names (the names A1 to D32 of a BioSemi cap include a C1 at another place).
    """
    pairs = []
    for name, direction in directions.items():
        found = find_electrodes(name)
        if found is not None:  # names such as E12 have a digitised position, but are not in the system
            pairs.append((direction, ELECTRODES[found[0]]))
    if len(pairs) < max(4, len(directions) / 2):
        return directions
    seen, expected = np.array(pairs).transpose(1, 0, 2)
    sine = (seen[:, 1] * expected[:, 2] - seen[:, 2] * expected[:, 1]).sum()
    # + 1 acts as one electrode that needs no rotation, because electrodes near the x axis hardly determine the angle.
    cosine = (seen[:, 1:] * expected[:, 1:]).sum() + 1.0
    sine, cosine = np.array([sine, cosine]) / np.hypot(sine, cosine)
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]])
    return {name: rotation @ direction for name, direction in directions.items()}


def _project(digitised: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """Projects the valid digitised positions onto the unit sphere; see ``channel_positions``."""
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


#: Largest distance of electrodes of one region, on the unit sphere: that of neighbours in the 10-20 system.
REGION = 0.65


def shared_regions(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Computes how far two montages cover the same regions of the scalp.

    Args:
        ours: Positions `(channels, 6)` of a montage, see `channel_positions`.
        theirs: Positions `(channels, 6)` of another montage.

    Returns:
        The share, from 0 to 1, of the electrodes that have an electrode of the other montage within `REGION`; the
        smaller share of the two montages.
    """
    places = []
    for positions in (ours, theirs):
        points = np.concatenate([positions[:, :3], positions[:, 3:]])  # both electrodes of a bipolar channel
        places.append(np.unique(points[points.any(axis=1)], axis=0))
    is_near = np.linalg.norm(places[0][:, None] - places[1], axis=-1) <= REGION
    return float(min(is_near.any(axis=1).mean(), is_near.any(axis=0).mean()))


def locate_channels(ch_names: Sequence[str], digitised: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Returns the positions `(channels, 6)` of channels from their names if these are known, else from digitisation.

    Names have priority because training used names. See `channel_positions`.
    """
    known = np.array([find_electrodes(name) is not None for name in ch_names])
    if digitised and known.mean() < 0.5:
        known[:] = False  # the names are of another system: A1 to D32 of a BioSemi cap include a C1 at another place
    positions = np.zeros((len(known), 6), np.float32)
    for rows, measured in ((known, None), (~known, digitised)):
        positions[rows] = channel_positions([name for name, row in zip(ch_names, rows, strict=True) if row], measured)
    return positions


def channel_positions(ch_names: Iterable[str], digitised: Mapping[str, Sequence[float]] | None = None) -> np.ndarray:
    """Returns the positions of each channel's electrode and reference on the unit sphere.

    Digitised positions are projected onto the sphere in three steps. (1) The centre of the head is the centre of
    the sphere that fits all positions best. If there are too few positions, or if they are too close together, the
    centre stays near its usual place, 10 mm in front of and 40 mm above the point between the ears. (2) Each
    position is replaced by its direction from this centre. (3) If at least four channels, and at least half of all
    channels, have names of the 10-20 system, all directions are rotated about the ear-to-ear axis to fit this
    system. Positions that are NaN or zero count as not digitised.

    Args:
        ch_names: List of C channel names, in any spelling that ``parse_channel_name`` reads. Names may repeat.
        digitised: Mapping from channel names to (x, y, z) in metres in MNE's head frame (x right, y front, z up,
            origin between the ears). It is used for every electrode and reference that it contains, under the same
            name or another spelling. The positions of other electrodes are read from ``ELECTRODES``.

    Returns:
        Positions (C, 6) float32: x, y, z of the electrode and x, y, z of its reference. Both are unit vectors
        without a physical unit. The reference is (0, 0, 0) if it is common to all channels, averaged, linked or not
        part of the name. It is also (0, 0, 0) for a name whose position is only known from digitisation.

    Raises:
        UnknownChannelError: A channel has no name of the system and is not digitised.
        ValueError: Digitised positions are not three numbers, or not in metres.
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
