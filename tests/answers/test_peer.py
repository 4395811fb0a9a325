"""Our two ways of reading an answer beside lm-eval's, on 500 completions of two pretrained models."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from noisy_student import files

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "results" / "lm-eval"


@pytest.fixture(scope="module")
def peer() -> Any:
    spec = importlib.util.spec_from_file_location("peer_lm_eval", ROOT / "benchmarks" / "peer_lm_eval.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_read_alike_but_for_the_differences_that_are_explained(peer: Any) -> None:
    verdicts = {row["question_id"]: row for row in files.read_jsonl(KEPT / "verdicts.jsonl")}
    completions = list(files.read_jsonl(KEPT / "completions.jsonl"))
    assert len(completions) == len(verdicts) == 500
    differ = set()
    for row in completions:
        own, theirs = peer.ours(row["text"], row["target"]), verdicts[row["question_id"]]
        assert own["strict"] == theirs["strict-match"], row["question_id"]
        if own["flexible"] != theirs["flexible-extract"]:
            differ.add(row["question_id"])
    explained = (KEPT / "README.md").read_text(encoding="utf-8")
    assert differ == {row["question_id"] for row in completions if f"`{row['question_id']}`" in explained}


def test_there_are_right_and_wrong_ones_to_tell_apart(peer: Any) -> None:
    verdicts = list(files.read_jsonl(KEPT / "verdicts.jsonl"))
    for name in ("strict-match", "flexible-extract"):
        assert 10 < sum(row[name] for row in verdicts) < 490
