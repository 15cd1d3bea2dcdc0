"""From slices in any order to rows of slices along one direction, and what is odd about them.

May touch nothing but its arguments. Rules: the order is that of geometry (position along the normal), never that of
instance numbers; repetitions of a place become the fourth axis. What cannot be one volume is a ``PixelError`` that says
why; what is odd and understood is a ``Finding``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kerma.errors import PixelError
from kerma.findings import Finding
from kerma.pixels.volumes.planes import Vector, dot
from kerma.pixels.volumes.slices import AXES, Slice

_SAME_PLACE = 1e-2  # millimetres
_UNEVEN = 2e-2  # of the spacing
_TURNED = 1e-3  # of a direction cosine
_SECTION = "PS3.3 C.7.6.2.1.1"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``rows[time][place]`` are the slices; ``step`` leads from one place to the next, in millimetres LPS."""

    rows: list[list[Slice]]
    step: Vector
    positions: list[float]
    tilted: bool
    even: bool
    axis: str
    coordinates: list[float]
    findings: list[Finding]


def groups_of(slices: Sequence[Slice], kinds: Sequence[tuple[object, ...]]) -> list[list[Slice]]:
    """Slices that can be in one volume together: of one series and part, size, spacing and orientation."""
    found: list[tuple[Slice, tuple[object, ...], list[Slice]]] = []
    for each in slices:
        kind = kinds[each.image]
        for first, its_kind, members in reversed(found):
            if kind == its_kind and _alike(first, each):
                members.append(each)
                break
        else:
            found.append((each, kind, [each]))
    return [members for _, _, members in found]


def _alike(a: Slice, b: Slice) -> bool:
    if (a.rows, a.columns) != (b.rows, b.columns):
        return False
    one, two = a.plane, b.plane
    directions = zip((*one.row, *one.column), (*two.row, *two.column), strict=True)
    return all(abs(x - y) < _TURNED for x, y in directions) and all(
        abs(x - y) <= 1e-4 * x for x, y in zip(one.spacing, two.spacing, strict=True)
    )


def arrange(slices: Sequence[Slice], *, descending: bool = False) -> Arrangement:
    """Sort slices of one orientation. ``PixelError`` where places have different numbers of slices."""
    findings: list[Finding] = []
    normal = slices[0].plane.normal
    places = _places(slices, normal)
    if descending:
        places.reverse()
    rows = _rows(places, findings)
    firsts = [place[0].plane for place in places]
    positions = [dot(plane.position, normal) for plane in firsts]
    step = _step(firsts[0].position, firsts[-1].position, len(places), normal, firsts[0].thickness)
    even = _even(positions, findings)
    tilted = _tilt([plane.position for plane in firsts], step, normal, findings) if len(places) > 1 else False
    axis, coordinates = _axis(rows)
    return Arrangement(rows, step, positions, tilted, even, axis, coordinates, findings)


def _places(slices: Sequence[Slice], normal: Vector) -> list[list[Slice]]:
    """Slices by their place along the normal, and by order within a place."""
    along = sorted(((dot(each.plane.position, normal), each) for each in slices), key=lambda pair: pair[0])
    places: list[list[Slice]] = []
    last = -math.inf
    for position, each in along:
        if position - last > _SAME_PLACE:
            places.append([])
            last = position
        places[-1].append(each)
    for place in places:
        place.sort(key=lambda each: each.order)
    return places


def _rows(places: list[list[Slice]], findings: list[Finding]) -> list[list[Slice]]:
    """The slices by time and place; where places have different numbers, only times that are whole."""
    counts = {len(place) for place in places}
    if len(counts) == 1:
        return [[place[time] for place in places] for time in range(counts.pop())]
    for axis in AXES:
        by_value: dict[float, list[Slice]] = defaultdict(list)
        for place in places:
            for each in place:
                by_value[each.keys.get(axis, math.nan)].append(each)
        whole = {value: members for value, members in by_value.items() if len(members) == len(places)}
        if whole and len(by_value) > 1 and all(len(members) <= len(places) for members in by_value.values()):
            left = sum(map(len, by_value.values())) - sum(map(len, whole.values()))
            text = f"{left} slices of {len(by_value) - len(whole)} volumes that are not whole ({axis}) are left out"
            findings.append(Finding("incomplete", text, section=_SECTION))
            number = {id(each): index for index, place in enumerate(places) for each in place}
            rows = [sorted(members, key=lambda each: number[id(each)]) for members in whole.values()]
            if all([number[id(each)] for each in row] == list(range(len(places))) for row in rows):
                return rows
            findings.pop()
    fewest = min(counts)
    if sum(len(place) == fewest for place in places) * 2 > len(places) and fewest * 2 > max(counts) - fewest:
        surplus = sum(len(place) - fewest for place in places)
        where = next(number for number, place in enumerate(places) if len(place) > fewest)
        text = f"{surplus} slices lie where others lie already, the first at slice {where}; they are left out"
        findings.append(Finding("duplicates", text, section=_SECTION))
        return [[place[time] for place in places] for time in range(fewest)]
    raise PixelError(
        f"{len(places)} places have from {min(counts)} to {max(counts)} slices, and nothing tells which are missing",
        hint="give the files of one series, or of one time, echo or b-value",
    )


def _step(first: Vector, last: Vector, count: int, normal: Vector, thickness: float) -> Vector:
    if count > 1:
        return (
            (last[0] - first[0]) / (count - 1),
            (last[1] - first[1]) / (count - 1),
            (last[2] - first[2]) / (count - 1),
        )
    return (normal[0] * (thickness or 1), normal[1] * (thickness or 1), normal[2] * (thickness or 1))


def _even(positions: list[float], findings: list[Finding]) -> bool:
    """Whether the places are evenly spaced; gaps are told by their number and size."""
    steps = [b - a for a, b in pairwise(positions)]
    if len(steps) < 2:
        return True
    usual = sorted(steps, key=abs)[(len(steps) - 1) // 2]
    odd = [number for number, step in enumerate(steps) if abs(step - usual) > max(abs(usual) * _UNEVEN, _SAME_PLACE)]
    if not odd:
        return True
    gaps = [number for number in odd if abs(steps[number]) > 1.5 * abs(usual)]
    missing = sum(round(abs(steps[number] / usual)) - 1 for number in gaps)
    if len(gaps) == len(odd):
        text = f"{missing} slices are missing in {len(gaps)} gaps, the first behind slice {gaps[0]}"
        findings.append(Finding("gaps", text, section=_SECTION))
    else:
        low, high = min(map(abs, steps)), max(map(abs, steps))
        text = f"the slices are {low:g} to {high:g} mm apart, first unlike behind slice {odd[0]}"
        findings.append(Finding("uneven", text, section=_SECTION))
    return False


def _tilt(positions: list[Vector], step: Vector, normal: Vector, findings: list[Finding]) -> bool:
    """Whether the slices are shifted along their own plane, as with a tilted gantry; whether they leave one line."""
    length = math.sqrt(dot(step, step))
    angle = math.degrees(math.acos(min(1.0, abs(dot(step, normal)) / length)))
    total = length * (len(positions) - 1)
    tilted = angle > 0.05 and total * math.sin(math.radians(angle)) > 10 * _SAME_PLACE
    if tilted:
        text = f"the slices are shifted by {angle:.2f} degrees, as with a tilted gantry; the affine is sheared"
        findings.append(Finding("tilt", text, section=_SECTION))
    first = positions[0]
    worst = 0.0
    for position in positions[1:]:
        offset = (position[0] - first[0], position[1] - first[1], position[2] - first[2])
        share = dot(offset, step) / (length * length)
        off = [o - share * s for o, s in zip(offset, step, strict=True)]
        worst = max(worst, math.sqrt(sum(each * each for each in off)))
    if worst > max(length * _UNEVEN, 10 * _SAME_PLACE):
        text = f"the slices do not lie on one line: {worst:.3g} mm off"
        findings.append(Finding("not-on-a-line", text, section=_SECTION))
    return tilted


def _axis(rows: list[list[Slice]]) -> tuple[str, list[float]]:
    """What the fourth axis runs along: the best key that is one value in each volume and not the same in all."""
    if len(rows) == 1:
        return "", []
    for axis in AXES:
        values = [row[0].keys.get(axis) for row in rows]
        alike = all(each.keys.get(axis) == value for row, value in zip(rows, values, strict=True) for each in row)
        known = [value for value in values if value is not None]
        if alike and len(known) == len(values) and len(set(known)) > 1:
            return axis, known
    return "repetition", [float(time) for time in range(len(rows))]
