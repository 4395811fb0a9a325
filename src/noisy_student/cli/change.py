"""Which fields two keys differ in: the facts of two nodes in, the changes between them out.

Where inputs differ, the change is looked for in what made them, so that the field that began it is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"
_DEEPEST = 8
"""Stages from a split to a grade of a student of a student."""


@dataclass(frozen=True, slots=True)
class Known:
    """A node by the name of its folder and what its key is the digest of."""

    name: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs, by its dotted name, with both values; ``through`` are the inputs that lead to it."""

    field: str
    here: Any
    there: Any
    through: tuple[str, ...] = ()


def changes(here: Mapping[str, Any], there: Mapping[str, Any], known: Mapping[str, Known]) -> list[Change]:
    """Every field in which two nodes of one stage differ; inputs that are known are followed to their own fields.

    A change that several inputs lead to is named once.
    """
    own = [change for change in _fields(here, there) if not change.field.startswith("inputs.")]
    found: dict[str, Change] = {}
    for change in _inputs(here["inputs"], there["inputs"], known, through=()):
        found.setdefault(repr((change.field, change.here, change.there)), change)
    return own + list(found.values())


def most_similar(key: str, known: Mapping[str, Known]) -> str | None:
    """The key of another result of the same stage in which the fewest fields differ; None if there is none."""
    facts = known[key].facts
    others = [other for other in known if other != key and known[other].facts["stage"] == facts["stage"]]
    return min(others, key=lambda other: (_distance(facts, known[other].facts), other), default=None)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested tables by their dotted names.

    >>> dict(flat({"spec": {"sft": {"epochs": 3}}, "seed": 1}))
    {'spec.sft.epochs': 3, 'seed': 1}
    """
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _fields(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Change]:
    one, other = dict(flat(here)), dict(flat(there))
    return [
        Change(name, one.get(name, ABSENT), other.get(name, ABSENT))
        for name in sorted(one.keys() | other.keys())
        if one.get(name, ABSENT) != other.get(name, ABSENT)
    ]


def _inputs(
    here: Mapping[str, Any], there: Mapping[str, Any], known: Mapping[str, Known], *, through: tuple[str, ...]
) -> Iterator[Change]:
    """The first input of a role that differs stands for its role: shards and blocks differ for one reason."""
    for role in sorted(here.keys() | there.keys()):
        one, other = here.get(role, []), there.get(role, [])
        pairs = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
        if len(one) != len(other):
            yield Change(role, _count(one), _count(other), (*through, role))
        elif pairs:
            yield from _followed(*pairs[0], known, through=(*through, role))


def _followed(a: str, b: str, known: Mapping[str, Known], *, through: tuple[str, ...]) -> Iterator[Change]:
    if a not in known or b not in known or len(through) == _DEEPEST:
        yield Change(through[-1], a[:16], b[:16], through)
        return
    facts, others = known[a].facts, known[b].facts
    own = [change for change in _fields(facts, others) if not change.field.startswith("inputs.")]
    for change in own:
        yield Change(change.field, change.here, change.there, through)
    if not own:
        yield from _inputs(facts["inputs"], others["inputs"], known, through=through)


def _count(keys: Sequence[str]) -> str:
    return "1 input" if len(keys) == 1 else f"{len(keys)} inputs"


def _distance(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[int, int]:
    """Fields of its own that differ, then inputs that differ; a block or shard elsewhere is another piece of work."""
    found = _fields(here, there)
    inputs = sum(change.field.startswith("inputs.") for change in found)
    return len(found) - inputs, inputs
