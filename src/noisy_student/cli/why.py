"""``why``: what a stored result is, and which field sets it apart from the most similar one of its stage.

Given a study instead, it says which field makes its missing steps differ from the ones in the store.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from noisy_student.cli import options
from noisy_student.cli.change import Known, changes, most_similar
from noisy_student.cli.console import emit, output, remark
from noisy_student.cli.overrides import Flags, overrides
from noisy_student.errors import UserError, nearest
from noisy_student.pipeline.manifest import Stored, stored
from noisy_student.pipeline.node import parents_first
from noisy_student.pipeline.store import Store
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, names, resolve

SHORTEST_PREFIX = 4


def command(
    target: Annotated[str, typer.Argument(metavar="DIGEST", help="A key, its beginning, a folder's name, or a study.")],
    scale: options.Scale = options.SCALE,
    protocol: options.Protocol = options.PROTOCOL,
    model: options.Model = None,
    data: options.Data = None,
    limit: options.Limit = None,
    seeds: options.Seeds = None,
    sets: options.Sets = None,
    store: options.StoreFolder = options.STORE,
    json: options.Json = False,
) -> None:
    """Say which field makes a result differ from the ones in the store."""
    found = stored(store)
    if target in names("studies") or target.endswith(".toml"):
        flags = Flags(model=model, data=data, limit=limit, seeds=seeds, sets=sets or ())
        request = Request(target, scale, protocol, overrides(flags))
        rows = explain_plan(request, Store(store, notice=remark), found)
        if not rows and not json:
            output().print(Text("Nothing is to be computed: every step of this study is in the store."), soft_wrap=True)
    else:
        rows = [explain(find(target, found), found)]
    if json:
        emit({"schema": 1, "results": rows})
    else:
        _show(rows, output())


def find(target: str, found: dict[str, Stored]) -> Stored:
    """The stored result whose key or folder name begins with ``target``; UserError for none or several."""
    matches = [item for item in found.values() if item.name.startswith(target) or item.key.startswith(target)]
    if len(matches) == 1 and len(target) >= SHORTEST_PREFIX:
        return matches[0]
    if not matches:
        known = [*(item.name for item in found.values()), *names("studies")]
        raise UserError(f'Nothing in the store is called "{target}".', do=nearest(target, known) if found else "")
    several = ", ".join(sorted(item.name for item in matches)[:5])
    raise UserError(f'"{target}" fits {len(matches)} results.', why=f"For instance: {several}.", do="Give more digits.")


def explain(item: Stored, found: dict[str, Stored]) -> dict[str, Any]:
    """A stored result and what sets it apart."""
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
    return {**here, **_difference(item.key, known)}


def explain_plan(request: Request, store: Store, found: dict[str, Stored]) -> list[dict[str, Any]]:
    """What sets the missing steps of a study apart; steps that differ only by their inputs follow from these."""
    missing = [node for node in parents_first(plan(resolve(request)).targets) if not store.cached(node)]
    known = {key: Known(other.name, other.facts) for key, other in found.items()}
    planned = {node.key: Known(node.name, node.facts()) for node in missing}
    rows: dict[str, dict[str, Any]] = {}
    for node in missing:
        made = _difference(node.key, {**known, node.key: planned[node.key]})
        own = [change for change in made["changes"] if not change["through"]]
        if own or made["compared_with"] is None:
            about = {"name": node.name, "stage": node.stage, "digest": node.key, "title": node.title, "seed": node.seed}
            rows.setdefault(f"{node.stage} {own}", {**about, **made, "changes": own})
    return list(rows.values())


def _difference(key: str, known: dict[str, Known]) -> dict[str, Any]:
    other = most_similar(key, known)
    if other is None:
        return {"compared_with": None, "changes": []}
    found = changes(known[key].facts, known[other].facts, known)
    return {
        "compared_with": known[other].name,
        "changes": [asdict(item) for item in found],
    }


def _show(rows: list[dict[str, Any]], console: Console) -> None:
    for row in rows:
        title = f" ({row['title']})" if "title" in row else f", {row['outcome']}"
        seed = "" if row["seed"] is None else f", seed {row['seed']}"
        console.print(Text(f"{row['name']}{title}{seed}", "bold"), soft_wrap=True)
        for name, value in (row.get("summary") or {}).items():
            console.print(Text(f"  {name}: {value}", "dim"), soft_wrap=True)
        if row["compared_with"] is None:
            console.print(Text("  There is no other result of this stage to compare with."))
            continue
        console.print(Text(f"  Compared with {row['compared_with']}:"), soft_wrap=True)
        for change in row["changes"]:
            through = f" (through {', '.join(change['through'])})" if change["through"] else ""
            said = f"  {change['field']}: {change['here']} here, {change['there']} there{through}"
            console.print(Text(said), soft_wrap=True)
