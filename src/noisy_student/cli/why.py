"""``why``: the fields in which a result differs from the most similar stored one of its stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer

from noisy_student.cli import options
from noisy_student.cli.console import emit, remark, say
from noisy_student.cli.overrides import Flags
from noisy_student.errors import UserError, nearest
from noisy_student.pipeline.manifest import Stored, stored
from noisy_student.pipeline.node import parents_first
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, names, resolve

SHORTEST_PREFIX = 4
ABSENT = "(absent)"
_DEEPEST = 8
"""Inputs followed at most: the stages from a split to the grade of a student's student."""

Facts = Mapping[str, Any]
"""The facts of a node, whose digest is its key."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field with different values: its dotted name, both values, and the inputs that lead to it."""

    field: str
    here: Any
    there: Any
    through: tuple[str, ...] = ()


def command(
    target: Annotated[
        str, typer.Argument(metavar="DIGEST", help="A key, its first digits, a folder's name, or a study.")
    ],
    flags: Flags,
    store: options.StoreFolder = options.STORE,
    json: options.Json = False,
) -> None:
    """Show which field makes a result differ from the most similar stored one."""
    found = stored(store, remark)
    if target in names("studies") or target.endswith(".toml"):
        request = flags.request(target)
        rows = explain_plan(request, Store(store, notice=remark), found)
        if not rows and not json:
            say("Every step of this study is stored: nothing is left to compute.")
    else:
        item = find(target, found)
        rows = [{**_described(item), **_compared(item.key, item.facts, found)}]
    if json:
        emit({"schema": 1, "results": rows})
    else:
        _show(rows)


def find(target: str, found: dict[str, Stored]) -> Stored:
    """Return the result whose key or folder name begins with ``target``; raises UserError for none or several."""
    matches = [item for item in found.values() if item.name.startswith(target) or item.key.startswith(target)]
    if len(matches) == 1 and len(target) >= SHORTEST_PREFIX:
        return matches[0]
    if not matches:
        known = [*(item.name for item in found.values()), *names("studies")]
        raise UserError(
            f'No stored result is called "{target}".',
            do=nearest(target, known) if found else "Run a study first, or name its store with --store.",
            code="unknown-result",
        )
    several = ", ".join(sorted(item.name for item in matches)[:5])
    raise UserError(
        f'"{target}" matches {len(matches)} results: {several}.', do="Give more digits.", code="ambiguous-result"
    )


def _described(item: Stored) -> dict[str, Any]:
    return {
        "name": item.name,
        "stage": item.stage,
        "digest": item.key,
        "outcome": item.outcome,
        "seed": item.facts["seed"],
        "summary": dict(item.summary),
        "seconds": item.provenance.get("seconds"),
        "spec": item.facts["spec"],
    }


def explain_plan(request: Request, store: Store, found: dict[str, Stored]) -> list[dict[str, Any]]:
    """Return the differences of a study's missing steps; steps that differ only by their inputs are left out."""
    missing = [node for node in parents_first(plan(resolve(request)).targets) if not store.cached(node)]
    rows: dict[str, dict[str, Any]] = {}
    for node in missing:
        made = _compared(node.key, node.facts(), found)
        own = [change for change in made["changes"] if not change["through"]]
        if own or made["compared_with"] is None:
            about = {"name": node.name, "stage": node.stage, "digest": node.key, "title": node.title, "seed": node.seed}
            rows.setdefault(f"{node.stage} {own}", {**about, **made, "changes": own})
    return list(rows.values())


def _compared(key: str, facts: Facts, found: dict[str, Stored]) -> dict[str, Any]:
    known = {**{key: item.facts for key, item in found.items()}, key: facts}
    other = most_similar(key, known)
    if other is None:
        return {"compared_with": None, "changes": []}
    changes = differences(facts, known[other], known)
    return {"compared_with": found[other].name, "changes": [asdict(change) for change in changes]}


def _show(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        title = f" ({row['title']})" if "title" in row else f", {row['outcome']}"
        seed = "" if row["seed"] is None else f", seed {row['seed']}"
        say(f"{row['name']}{title}{seed}", style="bold")
        say(*(f"  {name}: {value}" for name, value in (row.get("summary") or {}).items()), style="dim")
        if row["compared_with"] is None:
            say("  No other result of this stage is stored.")
            continue
        say(f"  Compared with {row['compared_with']}:")
        for change in row["changes"]:
            through = f" (through {', '.join(change['through'])})" if change["through"] else ""
            say(f"  {change['field']}: {change['here']} here, {change['there']} there{through}")


def differences(here: Facts, there: Facts, known: Mapping[str, Facts]) -> list[Difference]:
    """Return the fields in which two nodes of one stage differ; known inputs are followed to their own fields.

    A difference that several inputs lead to is listed once.
    """
    found: dict[str, Difference] = {}
    for change in _inputs(here["inputs"], there["inputs"], known, through=()):
        found.setdefault(repr((change.field, change.here, change.there)), change)
    return _own(here, there) + list(found.values())


def most_similar(key: str, known: Mapping[str, Facts]) -> str | None:
    """Return the key of the result of the same stage with the fewest different fields; None if there is no other."""
    here = known[key]

    def distance(other: str) -> tuple[int, int, str]:
        fields = _fields(here, known[other])
        inputs = sum(change.field.startswith("inputs.") for change in fields)
        return len(fields) - inputs, inputs, other

    others = (other for other in known if other != key and known[other]["stage"] == here["stage"])
    return min(others, key=distance, default=None)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested tables with their dotted names.

    >>> dict(flat({"spec": {"sft": {"epochs": 3}}, "seed": 1}))
    {'spec.sft.epochs': 3, 'seed': 1}
    """
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _fields(here: Facts, there: Facts) -> list[Difference]:
    one, other = dict(flat(here)), dict(flat(there))
    return [
        Difference(name, one.get(name, ABSENT), other.get(name, ABSENT))
        for name in sorted(one.keys() | other.keys())
        if one.get(name, ABSENT) != other.get(name, ABSENT)
    ]


def _own(here: Facts, there: Facts) -> list[Difference]:
    return [change for change in _fields(here, there) if not change.field.startswith("inputs.")]


def _inputs(here: Facts, there: Facts, known: Mapping[str, Facts], *, through: tuple[str, ...]) -> Iterator[Difference]:
    """Follow the first different input of each role only, since shards and blocks of a role differ for one reason."""
    for role in sorted(here.keys() | there.keys()):
        one, other = here.get(role, []), there.get(role, [])
        pairs = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
        if len(one) != len(other):
            yield Difference(role, _count(one), _count(other), (*through, role))
        elif pairs:
            yield from _followed(*pairs[0], known, through=(*through, role))


def _followed(a: str, b: str, known: Mapping[str, Facts], *, through: tuple[str, ...]) -> Iterator[Difference]:
    if a not in known or b not in known or len(through) == _DEEPEST:
        yield Difference(through[-1], a[:16], b[:16], through)
    elif own := _own(known[a], known[b]):
        yield from (replace(change, through=through) for change in own)
    else:
        yield from _inputs(known[a]["inputs"], known[b]["inputs"], known, through=through)


def _count(keys: Sequence[str]) -> str:
    return "1 input" if len(keys) == 1 else f"{len(keys)} inputs"
