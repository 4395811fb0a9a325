"""Compares the numbers of five commands with those recorded before the house was rebuilt (deleted at its end).

``python tests/equivalence.py record FOLDER`` writes ``tests/equivalence.json`` from the JSON that the commands
printed into FOLDER; ``python tests/equivalence.py check FOLDER`` compares. Times, paths, keys and wording are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMANDS = ("run", "run v6 --limit 200", "run v4-debug --limit 200", "preflight", "plan v1-5")
RECORD = Path(__file__).with_suffix(".json")
# What differs from run to run, or says where and how fast something ran.
LEFT_OUT = {"digest", "run_dir", "command", "versions", "machine", "seconds", "forecast", "schema"}
TIMES = ("seconds", "tokens_per_second")
# Texts that are numbers of a kind: the rest is wording.
WORDS = {
    "name",
    "a",
    "b",
    "condition",
    "stage",
    "status",
    "verdict",
    "outcome",
    "check",
    "method",
    "unit",
    "kind",
    "value",
    "then",
    "model",
}


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number, truth value, null and name under ``value``, by its path; rows of a list by their place."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in LEFT_OUT and not name.endswith(TIMES) and not (not path and name == "settings"):
                yield from numbers(item, f"{path}/{name}")
    elif isinstance(value, list):
        yield f"{path}/length", len(value)
        for number, item in enumerate(value):
            yield from numbers(item, f"{path}/{number}")
    elif isinstance(value, str):
        if path.rpartition("/")[2] in WORDS:
            yield path, value
    else:
        yield path, value


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The numbers of each command, from ``run_v6_--limit_200.json`` and the like."""
    return {
        name: dict(numbers(json.loads((folder / f"{name.replace(' ', '_')}.json").read_text()))) for name in COMMANDS
    }


def main() -> int:
    """Record, or check and return the number of differences."""
    action, folder = sys.argv[1], Path(sys.argv[2])
    found = read(folder)
    if action == "record":
        RECORD.write_text(json.dumps(found, indent=0, sort_keys=True))
        return 0
    wrong = 0
    for command, known in json.loads(RECORD.read_text()).items():
        fields = found[command]
        changed = [path for path in known if path in fields and fields[path] != known[path]]
        gone = [path for path in known if path not in fields]
        new = [path for path in fields if path not in known]
        same = len(known) - len(changed) - len(gone)
        print(f"{command}: {same} equal, {len(changed)} changed, {len(gone)} gone, {len(new)} new")
        for path in changed[:40]:
            print(f"  changed {path}: {known[path]!r} -> {fields[path]!r}")
        for path in gone[:40]:
            print(f"  gone {path}: {known[path]!r}")
        wrong += len(changed)
    return min(wrong, 99)


if __name__ == "__main__":
    sys.exit(main())
