"""Fill the marked blocks of README.md, docs/ and results/README.md: ``python docs/fill.py``; ``--check`` compares.

A block stands between ``<!-- fill NAME -->`` and ``<!-- end -->``. Numbers come from ``results/``, the
table of studies from the study files, the health rules from their functions. Nothing in a block is typed by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from noisy_student.report.tables.probes import recommendations, rungs_table
from noisy_student.study.settings.files import questions
from noisy_student.training.health.rules import RULES

# Also where this file is run by its path from elsewhere.
sys.path.insert(0, str(Path(__file__).parent))
from answers import RESULTS, answers, findings, load, named, points, results_of, sisters, table

ROOT = Path(__file__).parent.parent
PAGES = (
    ROOT / "README.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("before-a-run", "engines", "extending", "lab", "studies", "training")),
    ROOT / "results" / "README.md",
)
BLOCK = re.compile(r"(<!-- fill (?P<name>[a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TOYS = ROOT / "tests" / "extending" / "toy_package"
SHOWN_TOYS = (
    *("entry_points.txt", "selection.py", "reward.py", "engine.py", "method.py", "stages.py", "word_count.py"),
    "section.py",
)
REAL = ("laptop-smoke", "laptop")
ENGINES = {
    "ours": "torch, stop at the answer",
    "ours_no_stop": "torch, to the end token",
    "generate": "transformers `generate`",
    "padded": "torch, padded rows",
    "llama_cpp": "llama.cpp's server",
}


def main() -> int:
    """Rewrite the pages, or with ``--check`` report which are out of date; the exit code is their number."""
    behind, check = 0, "--check" in sys.argv
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = filled(old)
        if new != old:
            behind += 1
            print(f"{page.relative_to(ROOT)} {'is out of date' if check else 'is filled'}")
            if not check:
                page.write_text(new, encoding="utf-8")
    return behind if check else 0


def filled(text: str) -> str:
    """Return the page with every block made anew; raises KeyError for an unknown block."""
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found['name']]().rstrip()}\n{found[3]}", text)


def came_out() -> str:
    """Return three differences without verdicts: SFT, GRPO, and GRPO against its control of as many steps."""
    combined, v4 = results_of("combined"), results_of("v4")
    shown = (
        ("fine-tuning on gold and all votes", combined, "noisy-student", "baseline", "fine-tuning on gold"),
        ("GRPO on gold and all votes", combined, "grpo-noisy-student", "grpo-baseline", "GRPO on gold"),
        ("the same", v4, "grpo-noisy-student", "grpo-baseline-steps", "GRPO on gold for as many steps (`v4`)"),
    )
    return "\n".join(f"- {what} against {other}: {points(named(run, a, b))} points" for what, run, a, b, other in shown)


def run_output() -> str:
    """Return the table of conditions as ``make run`` printed it."""
    text = (RESULTS / "combined" / "output.txt").read_text(encoding="utf-8")
    lines = text[text.index("\nConditions\n") + 1 :].split("\n\n")[0].splitlines()
    return "\n".join(["```text", *(line.rstrip() for line in lines), "```"])


def studies() -> str:
    """Return the packaged studies with question, command and the page of the published run."""
    rows = (
        (question, f"`noisy-student run {name}`", f"[{name}](results/{name}/report.html)")
        for name, question in questions().items()
    )
    return table(("question", "command", "page"), rows)


def timings() -> str:
    """Return the durations that ``benchmarks/slice.py`` measured."""
    rows = ((row["what"], row["measured"], row["goal"]) for row in load("slice.json"))
    return table(("what", "measured", "goal"), rows)


def took() -> str:
    """Return one line with the durations of the default study."""
    shown = "; ".join(
        f"{row['what']}: {row['measured']}" for row in load("slice.json") if "from nothing" in row["what"]
    )
    return f"- The lab's models, two CPU cores: every study. {shown}."


def real_runs() -> str:
    """Return one line for each published run of a pretrained model."""
    return "\n".join(_real_run(results_of(name)) for name in REAL)


def _real_run(run: dict[str, Any]) -> str:
    counts, source = run["data"]["counts"], Path(run["data"]["dataset"] or run["data"]["source"]).name
    reached = [row for row in run["conditions"] if row["accuracy"] is not None]
    shown = ", ".join(f"{row['name']} {100 * row['accuracy']:.0f} %" for row in reached)
    return (
        f"- {Path(run['model']).name} on {source} (`{run['study']} --scale {run['scale']}`, {counts['labeled']} gold,"
        f" {counts['unlabeled']} unlabeled, {counts['test']} test questions, CPU; {run['status']},"
        f" {len(reached)} of {len(run['conditions'])} conditions): {shown}."
    )


def preflight() -> str:
    """Return the published pre-flight of the lab in one sentence: what was measured where a check did not pass."""
    rows = results_of("preflight")["preflight"]
    others = ", ".join(
        f"`{row['check']}` {row['outcome']} ({row['measured']})" for row in rows if row["outcome"] != "pass"
    )
    return (
        f"{sum(row['outcome'] == 'pass' for row in rows)} of {len(rows)} checks pass; {others or 'no other outcome'}."
    )


def regime() -> str:
    """Return the requirements of the lab's regime, a column for each pretraining seed."""
    report = load("regime.json")
    rows = (
        (row[0]["name"], *(f"{check['measured']}{'' if check['holds'] else ' (missed)'}" for check in row))
        for row in zip(*(entry["requirements"] for entry in report), strict=True)
    )
    return table(("requirement", *(Path(entry["model"]).name for entry in report)), rows)


def teachers() -> str:
    """Return accuracies of the untrained model and its baseline as teachers."""
    shares = ("greedy", "single", "maj", "precision_high", "coverage_high")
    rows = (
        (Path(entry["model"]).name, name, *(f"{100 * found[share]:.1f} %" for share in shares))
        for entry in load("regime.json")
        for name, found in entry["teachers"].items()
    )
    return table(("model", "teacher", "greedy", "single", "maj@8", "votes >= 6 of 8 right", "at coverage"), rows)


def endless() -> str:
    """Return how answers of the lab models end at a cap of 96, as ``benchmarks/endless.py`` measured it."""
    shares = ("ends", "marked", "right", "loops")
    rows = (
        (
            row["model"],
            str(row["temperature"]),
            *("-" if row[name] is None else f"{100 * row[name]:.1f} %" for name in shares),
        )
        for row in load("endless.json")
        if row["cap"] == 96
    )
    return table(("model", "T", "end by themselves", "hold `####`", "first `#### N` right", "cut in a loop"), rows)


def sampling() -> str:
    """Return engines side by side, as ``benchmarks/sampling.py`` measured them."""
    return "\n\n".join(part for path in sorted(RESULTS.glob("sampling-*.json")) for part in _engines(load(path.name)))


def _engines(found: dict[str, Any]) -> Iterator[str]:
    yield (
        f"`{found['scale']}`, {found['model']}, {found['questions']} questions x {found['k']}, at most {found['cap']}"
        f" tokens, {found['threads']} thread{'s' * (found['threads'] > 1)}, median of {found['rounds']}:"
    )
    speeds, tokens = found["samples_per_second"], found["tokens_per_second"]
    rows = ((words, f"{speeds[name]:.2f}", f"{tokens[name]:.0f}") for name, words in ENGINES.items() if speeds[name])
    yield table(("engine", "samples a second", "tokens a second"), rows)
    stopped, free, llama = (found[f"ratio_vs_{name}"] for name in ("generate_with_stop", "generate", "llama_cpp"))
    against = "" if llama is None else f"; {llama} x llama.cpp ({found['llama_cpp_setting']})"
    exact = found.get("exactness")
    apart = (
        ""
        if exact is None
        else f" Next-token probabilities differ from transformers' by at most {exact['largest_difference']:.1e} on"
        f" {exact['prompts']} prompts; 20,000 draws of a token: chi-square p = {exact['p_value']:.2f}."
    )
    yield f"To the end token {free} x `generate`, with the stop {stopped} x{against}.{apart}"


def stopping() -> str:
    """Return what stopping rules save, as ``benchmarks/stopping.py`` measured it."""
    found = load("stopping.json")
    one, other = (found["plan_histogram"][name] for name in ("one rival", "all different"))
    rows = (
        (name, f"{row['samples']:.2f}", f"{row['samples_saved']:.0%}", f"{row['seconds_saved']:.0%}")
        for name, row in found["lab"].items()
    )
    return (
        f"On the plan's histogram (V1.5, 4,000 questions) `lossless` at 6 of 8 draws {other:.2f} to {one:.2f} of 8"
        f" samples, depending on who has the other votes. In the lab ({found['questions']} questions, the untrained"
        f" model, one thread, medians of {found['repeats']}):\n\n"
        + table(("rule", "samples a question", "samples saved", "time saved"), rows)
    )


def grpo_speed() -> str:
    """Return the time of a GRPO step beside stock TRL, as ``benchmarks/grpo.py`` measured it."""
    rows = []
    for path in sorted(RESULTS.glob("grpo-*.json")):
        found = load(path.name)
        spec, ours, stock = found["spec"], found["ours"], found["stock"]
        size = f"{spec['prompts']} x {spec['generations']}, {ours['mean_length']:.0f} tokens"
        seconds = [f"{ours[name]:.2f} ({stock[name]:.2f})" for name in ("rollout_seconds", "step_seconds")]
        ratios = [f"{found[name]} x" for name in ("rollout_ratio", "step_ratio", "ceiling")]
        rows.append(
            (f"`{found['scale']}`", found["model"], size, seconds[0], ratios[0], seconds[1], ratios[1], ratios[2])
        )
    return table(("scale", "model", "step", "rollout, s (stock)", "", "step, s (stock)", "", "ceiling"), rows)


def health_rules() -> str:
    """Return the health rules in their order, each in the words of its function."""
    firsts = ((rule.name, (rule.judge.__doc__ or "").strip().split("\n")[0].rstrip(".")) for rule in RULES)
    return table(("rule", "fires when"), ((f"`{name}`", first) for name, first in firsts))


def health_cost() -> str:
    """Return the share of training time that health checks take, as ``benchmarks/health.py`` measured it."""
    shares = ", ".join(
        f"{100 * row['share']:.2f} % (seed {row['seed']}, {row['steps']} steps)" for row in load("health.json")
    )
    return f"Cost of the checks in a GRPO run of the lab (`python benchmarks/health.py`): {shares} of all seconds."


def ladder() -> str:
    """Return the rungs of study v4-debug on the lab, and its recommendation."""
    run = results_of("v4-debug")
    rungs = rungs_table(run)
    shown = table([column.name for column in rungs.columns], (line.cells for line in rungs.lines))
    return "\n".join([shown, "", *recommendations(run)])


def toy(name: str) -> str:
    """Return one file of the toy package that docs/extending.md explains."""
    path = next(TOYS.glob(f"*/{name}"))
    language = {".py": "python", ".toml": "toml"}.get(path.suffix, "ini")
    return f"```{language}\n{path.read_text(encoding='utf-8').rstrip()}\n```"


BLOCKS: dict[str, Callable[[], str]] = {
    "came-out": came_out,
    "run": run_output,
    "studies": studies,
    "timings": timings,
    "took": took,
    "real": real_runs,
    "preflight": preflight,
    "regime": regime,
    "teachers": teachers,
    "endless": endless,
    "sampling": sampling,
    "stopping": stopping,
    "grpo-speed": grpo_speed,
    "health-rules": health_rules,
    "health-cost": health_cost,
    "ladder": ladder,
    "answers": answers,
    "sisters": sisters,
    **{f"toy-{stem.partition('.')[0].replace('_', '-')}": partial(toy, stem) for stem in SHOWN_TOYS},
    **{f"findings-{name}": partial(findings, name) for name in (*questions(), "combined-three-seeds")},
}

if __name__ == "__main__":
    raise SystemExit(main())
