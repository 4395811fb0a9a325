"""GSM8K completions out of a run's store: ``python benchmarks/completions.py STORE --gsm8k FOLDER --out FILE``.

Writes what ``benchmarks/peer_lm_eval.py`` reads: the greedy answers to the test questions first, then one sample of
every unlabeled question after the other, until there are ``--count``; each with the text of GSM8K's own answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noisy_student import files


def main() -> None:
    """Collect, cut, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--gsm8k", type=Path, required=True)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    answers = {
        " ".join(row["question"].split()): row["answer"]
        for name in ("train.jsonl", "test.jsonl")
        for row in files.read_jsonl(given.gsm8k / name)
    }
    rows = sorted(completions(given.store), key=lambda row: (row["part"] != "test", row["k"], row["id"]))
    if len(rows) < given.count:
        raise SystemExit(f"{given.store} holds {len(rows)} completions, fewer than {given.count}.")
    chosen = rows[: given.count]
    files.write_jsonl(
        given.out,
        (
            {"question_id": f"{row['id'][:12]}-{row['stage']}-{row['k']}", "text": row["text"], "target": target}
            for row in chosen
            for target in [answers[" ".join(row["question"].split())]]
        ),
    )
    print(f"{sum(row['part'] == 'test' for row in chosen)} greedy and {len(chosen)} in all")


def completions(store: Path) -> Iterator[dict[str, Any]]:
    """Every sample in the store with its question and the part that this belongs to."""
    questions = {
        row["id"]: row["text"]
        for part in ("test", "unlabeled")
        for path in sorted(store.glob(f"stages/split-*/data/{part}.jsonl"))
        for row in files.read_jsonl(path)
    }
    for folder in sorted(store.glob("stages/sample-*")):
        spec = files.read_json(folder / "MANIFEST.json")["node"]["spec"]
        kept = (spec["part"], spec["decoding"]["temperature"] == 0) in {("test", True), ("unlabeled", False)}
        if kept and spec["decoding"]["stop_at_answer"]:
            for row in files.read_jsonl(folder / "data" / "samples.jsonl"):
                told = {"part": spec["part"], "stage": folder.name.removeprefix("sample-")[:4]}
                yield {"id": row["question_id"], "question": questions[row["question_id"]], **row, **told}


if __name__ == "__main__":
    main()
