"""``why``: a stored result, and the fields in which it differs from the most similar one of its stage.

For a study: the fields in which its missing steps differ from stored ones. A difference of inputs is traced to the
field that caused it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True)
class Known:
    """A node: the name of its folder, and the facts that its key is the digest of."""

    name: str
    facts: Mapping[str, Any]


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
    found = stored(store)
    if target in names("studies") or target.endswith(".toml"):
        request = flags.request(target)
        rows = explain_plan(request, Store(store, notice=remark), found)
        if not rows and not json:
            say("Every step of this study is stored: nothing is left to compute.")
    else:
        rows = [explain(find(target, found), found)]
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
        f'"{target}" matches {len(matches)} results.',
        why=f"For instance: {several}.",
        do="Give more digits.",
        code="ambiguous-result",
    )


def explain(item: Stored, found: dict[str, Stored]) -> dict[str, Any]:
    """Return a stored result and its differences from the most similar one."""
    known = {key: Known(other.name, other.facts) for key, other in found.items()}
    here = {
        "name": item.name,
        "stage": item.stage,
        "digest": item.key,
        "outcome": item.outcome,
        "seed": item.facts["seed"],
        "summary": dict(item.summary),
        "seconds": item.provenance.get("seconds"),
        "spec": item.facts["spec"],
    }
    return {**here, **_compared(item.key, known)}


def explain_plan(request: Request, store: Store, found: dict[str, Stored]) -> list[dict[str, Any]]:
    """Return the differences of a study's missing steps; steps that differ only by their inputs are left out."""
    missing = [node for node in parents_first(plan(resolve(request)).targets) if not store.cached(node)]
    known = {key: Known(other.name, other.facts) for key, other in found.items()}
    planned = {node.key: Known(node.name, node.facts()) for node in missing}
    rows: dict[str, dict[str, Any]] = {}
    for node in missing:
        made = _compared(node.key, {**known, node.key: planned[node.key]})
        own = [change for change in made["changes"] if not change["through"]]
        if own or made["compared_with"] is None:
            about = {"name": node.name, "stage": node.stage, "digest": node.key, "title": node.title, "seed": node.seed}
            rows.setdefault(f"{node.stage} {own}", {**about, **made, "changes": own})
    return list(rows.values())


def _compared(key: str, known: dict[str, Known]) -> dict[str, Any]:
    other = most_similar(key, known)
    if other is None:
        return {"compared_with": None, "changes": []}
    found = differences(known[key].facts, known[other].facts, known)
    return {
        "compared_with": known[other].name,
        "changes": [asdict(item) for item in found],
    }


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


def differences(here: Mapping[str, Any], there: Mapping[str, Any], known: Mapping[str, Known]) -> list[Difference]:
    """Return the fields in which two nodes of one stage differ; known inputs are followed to their own fields.

    A difference that several inputs lead to is listed once.
    """
    own = [change for change in _fields(here, there) if not change.field.startswith("inputs.")]
    found: dict[str, Difference] = {}
    for change in _inputs(here["inputs"], there["inputs"], known, through=()):
        found.setdefault(repr((change.field, change.here, change.there)), change)
    return own + list(found.values())


def most_similar(key: str, known: Mapping[str, Known]) -> str | None:
    """Return the key of the result of the same stage with the fewest different fields; None if there is no other."""
    facts = known[key].facts
    others = [other for other in known if other != key and known[other].facts["stage"] == facts["stage"]]
    return min(others, key=lambda other: (_distance(facts, known[other].facts), other), default=None)


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


def _fields(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Difference]:
    one, other = dict(flat(here)), dict(flat(there))
    return [
        Difference(name, one.get(name, ABSENT), other.get(name, ABSENT))
        for name in sorted(one.keys() | other.keys())
        if one.get(name, ABSENT) != other.get(name, ABSENT)
    ]


def _inputs(
    here: Mapping[str, Any], there: Mapping[str, Any], known: Mapping[str, Known], *, through: tuple[str, ...]
) -> Iterator[Difference]:
    """Follow the first different input of each role only, since shards and blocks of a role differ for one reason."""
    for role in sorted(here.keys() | there.keys()):
        one, other = here.get(role, []), there.get(role, [])
        pairs = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
        if len(one) != len(other):
            yield Difference(role, _count(one), _count(other), (*through, role))
        elif pairs:
            yield from _followed(*pairs[0], known, through=(*through, role))


def _followed(a: str, b: str, known: Mapping[str, Known], *, through: tuple[str, ...]) -> Iterator[Difference]:
    if a not in known or b not in known or len(through) == _DEEPEST:
        yield Difference(through[-1], a[:16], b[:16], through)
        return
    facts, others = known[a].facts, known[b].facts
    own = [change for change in _fields(facts, others) if not change.field.startswith("inputs.")]
    for change in own:
        yield Difference(change.field, change.here, change.there, through)
    if not own:
        yield from _inputs(facts["inputs"], others["inputs"], known, through=through)


def _count(keys: Sequence[str]) -> str:
    return "1 input" if len(keys) == 1 else f"{len(keys)} inputs"


def _distance(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[int, int]:
    """Return the numbers of different own fields and of different inputs."""
    found = _fields(here, there)
    inputs = sum(change.field.startswith("inputs.") for change in found)
    return len(found) - inputs, inputs
