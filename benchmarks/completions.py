"""Samples of GSM8K questions as the peer reads them: ``benchmarks/completions.py SAMPLES… --gsm8k FOLDER --out FILE``.

Each file holds samples as a store's ``sample`` stage or the verb ``sample`` writes them. Goes out: a line a sample, in
the order of the files, with the text of GSM8K's own answer, for ``benchmarks/peer_lm_eval.py``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from noisy_student import files
from noisy_student.data.source import question_id


def main() -> None:
    """Read, join, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path, nargs="+")
    parser.add_argument("--gsm8k", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    answers = {
        question_id(row["question"]): row["answer"]
        for name in ("train.jsonl", "test.jsonl")
        for row in files.read_jsonl(given.gsm8k / name)
    }
    rows = [
        {
            "question_id": f"{number}-{row['question_id']}-{row['k']}",
            "text": row["text"],
            "target": answers[row["question_id"]],
        }
        for number, path in enumerate(given.samples, start=1)
        for row in files.read_jsonl(path)
    ]
    print(f"{files.write_jsonl(given.out, rows)} completions")


if __name__ == "__main__":
    main()
