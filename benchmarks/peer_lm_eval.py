"""Our two ways of reading an answer against lm-eval's: ``python benchmarks/peer_lm_eval.py COMPLETIONS --wheel W``.

Each line of the file is {"question_id", "text", "target"}: a completion and GSM8K's own answer text. lm-eval 0.4.13 is
asked itself: its RegexFilter with the patterns of its gsm8k.yaml, and its exact_match with the options there
(``pip download --no-deps lm-eval`` and ``--wheel FILE``: nothing of it is installed). Prints the counts, lists every
difference, and with --out keeps lm-eval's verdicts.
"""

from __future__ import annotations

import argparse
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import yaml

from noisy_student import files
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import extract
from noisy_student.records import Answer


def main() -> None:
    """Count both, print both, list where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("completions", type=Path)
    parser.add_argument("--wheel", type=Path, required=True, help="the wheel of lm-eval")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    judge = peer(given.wheel)
    rows = []
    for row in files.read_jsonl(given.completions):
        theirs = judge(row["text"], row["target"])
        rows.append({"question_id": row["question_id"], **theirs, **ours(row["text"], row["target"])})
    for name, own in (("strict-match", "strict"), ("flexible-extract", "flexible")):
        differ = [row for row in rows if row[name] != row[own]]
        counts = [sum(row[column] for row in rows) for column in (name, own)]
        print(f"{name}: lm-eval {counts[0]}, ours {counts[1]} of {len(rows)}; {len(differ)} differ")
        for row in differ:
            print(f"  {row['question_id']}: lm-eval {row[name]}, ours {row[own]}")
    if given.out is not None:
        kept = ("question_id", "strict-match", "flexible-extract")
        files.write_jsonl(given.out, ({name: row[name] for name in kept} for row in rows))


def ours(text: str, target: str) -> dict[str, bool]:
    """Right by a strict ``####`` match, and right by any way of reading."""
    found, gold = extract(text), extract(target)
    assert isinstance(gold, Answer) and gold.strict
    right = isinstance(found, Answer) and same(found.canonical, gold.canonical)
    return {"strict": right and isinstance(found, Answer) and found.strict, "flexible": right}


def peer(wheel: Path) -> Any:
    """lm-eval's verdicts on one completion, by its own classes and its own task file."""
    with zipfile.ZipFile(wheel) as packed:
        task = yaml.safe_load(packed.read("lm_eval/tasks/gsm8k/gsm8k.yaml"))
        extraction = _module(packed, "lm_eval/filters/extraction.py")
        exact_match = _module(packed, "lm_eval/api/metrics.py").exact_match_hf_evaluate
    options = task["metric_list"][0]
    kept = {name: options[name] for name in ("ignore_case", "ignore_punctuation", "regexes_to_ignore")}
    filters = {}
    for item in task["filter_list"]:
        regex = {name: value for name, value in item["filter"][0].items() if name != "function"}
        filters[item["name"]] = extraction.RegexFilter(**regex)

    def judge(text: str, target: str) -> dict[str, bool]:
        for end in task["generation_kwargs"]["until"]:
            text = text.split(end)[0]
        verdicts = {}
        for name, chosen in filters.items():
            ((found,),) = chosen.apply([[text]], [{}])
            score = exact_match(predictions=[found], references=[target], **kept)["exact_match"]
            verdicts[name] = bool(score == 1)
        return verdicts

    return judge


def _module(packed: zipfile.ZipFile, name: str) -> Any:
    """One module of the wheel by itself: its registry is replaced by decorators that do nothing."""
    for stand_in in ("lm_eval", "lm_eval.api", "lm_eval.api.filter", "lm_eval.api.registry", "sacrebleu"):
        sys.modules.setdefault(stand_in, _StandIn(stand_in))
    module = types.ModuleType(name.removesuffix(".py").replace("/", "."))
    sys.modules[module.__name__] = module
    exec(compile(packed.read(name), name, "exec"), module.__dict__)
    return module


class _StandIn(types.ModuleType):
    """A module of lm-eval that is asked for names only to decorate with or to inherit from."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "Filter":
            return object
        return lambda *args, **kwargs: lambda decorated: decorated


if __name__ == "__main__":
    main()
