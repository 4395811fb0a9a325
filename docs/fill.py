"""Fills the marked blocks of README.md and of pages in docs/: ``python docs/fill.py`` (``--check`` only looks).

A block stands between ``<!-- fill NAME -->`` and ``<!-- end -->``. The file tree comes from the packages' docstrings,
the table of studies from the study files, and every number from ``results/``; nothing in a block is typed by hand.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from noisy_student.report.tables.probes import answer
from noisy_student.report.wording import verdict_words
from noisy_student.study.settings.files import questions

# Also where this file is run by its path from elsewhere.
sys.path.insert(0, str(Path(__file__).parent))
from answers import answers, primary, results_of, sisters

ROOT = Path(__file__).parent.parent
PAGES = (
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in (
            *("lab", "engines", "votes", "grpo", "lora", "health", "decisions", "rounds", "foreign"),
            *("student-noise", "questions"),
        )
    ),
    ROOT / "results" / "README.md",
)
BLOCK = re.compile(r"(<!-- fill (?P<name>[a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
ORDER = (
    *("records.py", "answer_key.py", "context.py", "errors.py", "identity.py", "files.py", "seeds.py", "redaction.py"),
    *("answers", "statistics", "models", "data", "sampling", "labeling", "training", "evaluation"),
    *("study", "report", "cli", "studies", "scales", "protocols"),
)
REAL = ("laptop-smoke", "laptop")
SETTINGS = {
    "studies": "what is asked, a TOML file each",
    "scales": "where it runs",
    "protocols": "how it is done",
}


def main() -> int:
    """Rewrite the pages, or with ``--check`` say which are behind; the exit code is their number."""
    behind = 0
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = filled(old)
        if new != old:
            behind += 1
            print(f"{page.relative_to(ROOT)} {'is behind' if '--check' in sys.argv else 'is filled'}")
            if "--check" not in sys.argv:
                page.write_text(new, encoding="utf-8")
    return behind if "--check" in sys.argv else 0


def filled(text: str) -> str:
    """The page with every block made anew; KeyError for a block that nobody fills."""
    return BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found['name']]().rstrip()}\n{found[3]}", text)


def tree() -> str:
    """The file tree, one line a package or module, in the order of the pipeline."""
    package = ROOT / "src" / "noisy_student"
    lines = ["```text", "src/noisy_student/"]
    for name in ORDER:
        path = package / name
        if path.is_file():
            lines.append(f"  {name:<18} {sentence(path)}")
            continue
        lines.append(f"  {name + '/':<18} {SETTINGS.get(name) or sentence(path / '__init__.py')}")
        modules = [module for module in sorted(path.glob("*.py")) if module.name != "__init__.py"]
        lines += [f"    {module.name:<16} {sentence(module)}" for module in modules]
    return "\n".join([*lines, "```"])


def sentence(path: Path) -> str:
    """What a module says of itself: the first sentence of its docstring, on one line."""
    found = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = " ".join(found.split("\n\n")[0].split())
    return re.split(r"(?<=[a-z)`])\. |: ``", first)[0].rstrip(".")


def studies() -> str:
    """The packaged studies, what they ask, and what came of each, with the page of a real run."""
    lines = ["| study | question | on the lab | computing, min | page |", f"|{' --- |' * 5}"]
    for name, question in questions().items():
        run = results_of(name)
        seconds, count = (run.get("costs") or {"totals": {"seconds": None}})["totals"]["seconds"], len(run["seeds"])
        took = "" if seconds is None else f"{seconds / 60:.0f}" + (f" ({count} seeds)" if count > 1 else "")
        page = f"[page](results/{name}/report.html)"
        lines.append(f"| `{name}` | {question} | {answer(run).rstrip('.')} | {took} | {page} |")
    return "\n".join(lines)


def run_output() -> str:
    """What ``make run`` printed, as it was kept."""
    return f"```text\n{(ROOT / 'results' / 'combined' / 'output.txt').read_text(encoding='utf-8').rstrip()}\n```"


def seeds() -> str:
    """The primary findings of the run with three seeds."""
    run = json.loads((ROOT / "results" / "combined-three-seeds" / "results.json").read_text(encoding="utf-8"))
    return "\n".join(
        ["| comparison | points | 95 % interval | verdict |", "| --- | --- | --- | --- |"]
        + [
            f"| {row['a']} - {row['b']} | {points} | {interval} | {row['verdict']} |"
            for row, points, interval in map(_told, run["findings"])
            if row["primary"]
        ]
    )


def _told(finding: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
    """A finding with its difference and interval in points."""
    low, high = (100 * bound for bound in finding["interval"])
    return finding, f"{100 * finding['difference']:+.1f}", f"[{low:+.1f}, {high:+.1f}]"


def regime() -> str:
    """The requirements of the lab's regime, a column for each pretraining seed."""
    report: list[dict[str, Any]] = json.loads((ROOT / "results" / "regime.json").read_text(encoding="utf-8"))
    head = ["requirement", *(Path(entry["model"]).name for entry in report)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in zip(*(entry["requirements"] for entry in report), strict=True):
        cells = [f"{check['measured']}{'' if check['holds'] else ' (missed)'}" for check in row]
        lines.append(f"| {row[0]['name']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def teachers() -> str:
    """What the untrained model and its baseline are worth as teachers, a row for each."""
    report: list[dict[str, Any]] = json.loads((ROOT / "results" / "regime.json").read_text(encoding="utf-8"))
    lines = ["| model | teacher | greedy | single | maj@8 | votes >= 6 of 8 right | at coverage |", f"|{' --- |' * 7}"]
    for entry in report:
        for name, found in entry["teachers"].items():
            shares = ("greedy", "single", "maj", "precision_high", "coverage_high")
            cells = [f"{100 * found[share]:.1f} %" for share in shares]
            lines.append(f"| {Path(entry['model']).name} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def endless() -> str:
    """How answers end with each lab model, as ``benchmarks/endless.py`` measured it."""
    rows = json.loads((ROOT / "results" / "endless.json").read_text(encoding="utf-8"))
    shares = ("ends", "marked", "right", "loops")
    lines = ["| model | T | cap | answers | end by themselves | hold `####` | first `#### N` right | cut in a loop |"]
    lines.append(f"|{' --- |' * 8}")
    for row in rows:
        cells = ["-" if row[name] is None else f"{100 * row[name]:.1f} %" for name in shares]
        start = [str(row[name]) for name in ("model", "temperature", "cap", "answers")]
        lines.append(f"| {' | '.join([*start, *cells])} |")
    return "\n".join(lines)


def timings() -> str:
    """How long things took, as ``benchmarks/slice.py`` measured them."""
    rows = json.loads((ROOT / "results" / "slice.json").read_text(encoding="utf-8"))
    lines = ["| what | measured | goal |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {row['what']} | {row['measured']} | {row['goal']} |" for row in rows)])


def real_runs() -> str:
    """The runs on pretrained models that are kept in ``results/``, as far as they got."""
    paths = [ROOT / "results" / name / "results.json" for name in REAL]
    return "\n".join(
        line for path in paths if path.is_file() for line in _real_run(json.loads(path.read_text(encoding="utf-8")))
    )


def _real_run(run: dict[str, Any]) -> list[str]:
    counts, source = run["data"]["counts"], Path(run["data"]["dataset"] or run["data"]["source"]).name
    minutes = sum(row["seconds"] or 0 for row in run["conditions"]) / 60
    lines = [
        f"`{run['study']} --scale {run['scale']}`, {Path(run['model']).name}, {source}: {counts['labeled']} questions"
        f" to learn from, {counts['unlabeled']} to label, {counts['test']} to test on;"
        f" {run['status']} after {minutes:.0f} minutes of work.",
        "",
        "| condition | accuracy | 95 % interval | trained on | labels right |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in run["conditions"]:
        if row["accuracy"] is not None:
            low, high = (100 * bound for bound in row["interval"])
            right = "" if row["label_accuracy"] is None else f"{100 * row['label_accuracy']:.0f} %"
            shown = f"{100 * row['accuracy']:.1f} % | [{low:.1f}, {high:.1f}] | {row['trained_on'] or ''} | {right}"
            lines.append(f"| {row['name']} | {shown} |")
    for finding in run["findings"]:
        if finding["primary"]:
            _, points, interval = _told(finding)
            seen = f"smallest difference seen with 80 % power: {100 * finding['mde']:.1f}"
            lines += ["", f"{finding['a']} - {finding['b']}: {points} points {interval}, {finding['verdict']} ({seen})"]
    left = [row["name"] for row in run["conditions"] if row["accuracy"] is None]
    return [*lines, *(["", f"Not reached: {', '.join(left)}."] if left else []), ""]


def sampling() -> str:
    """Engines side by side, as ``benchmarks/sampling.py`` measured them."""
    names = {
        "ours": "torch, stop at the answer",
        "ours_no_stop": "torch, to the end token",
        "generate": "transformers `generate`",
        "padded": "torch, padded rows",
        "llama_cpp": "llama.cpp's server",
    }
    lines = []
    for path in sorted((ROOT / "results").glob("sampling-*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        lines += [
            f"`{found['scale']}`, {found['model']}, {found['questions']} questions x {found['k']}, at most"
            f" {found['cap']} tokens, {found['threads']} thread{'s' * (found['threads'] > 1)}, median of"
            f" {found['rounds']}:",
            "",
            "| engine | samples a second | tokens a second |",
            "| --- | --- | --- |",
        ]
        for name, words in names.items():
            samples, tokens = found["samples_per_second"][name], found["tokens_per_second"][name]
            lines += [] if samples is None else [f"| {words} | {samples:.2f} | {tokens:.0f} |"]
        stopped, free = found["ratio_vs_generate_with_stop"], found["ratio_vs_generate"]
        llama = found["ratio_vs_llama_cpp"]
        against = "" if llama is None else f"; {llama} x llama.cpp ({found['llama_cpp_setting']})"
        exact = found.get("exactness")
        apart = (
            ""
            if exact is None
            else (
                f" Next-token probabilities are at most {exact['largest_difference']:.1e} from transformers' on"
                f" {exact['prompts']} prompts; 20,000 draws of a token: chi-square p = {exact['p_value']:.2f}."
            )
        )
        lines += [
            "",
            f"To the end token {free} x `generate`, with the stop {stopped} x{against}. Decoding takes"
            f" {found['fraction_of_limit']:.0%} of the fastest matrix product measured in the same run.{apart}",
            "",
        ]
    return "\n".join(lines)


def stopping() -> str:
    """What rules of stopping save, as ``benchmarks/stopping.py`` measured it."""
    found = json.loads((ROOT / "results" / "stopping.json").read_text(encoding="utf-8"))
    one, other = (found["plan_histogram"][name] for name in ("one rival", "all different"))
    lines = [
        f"On the plan's histogram (V1.5, 4,000 questions) `lossless` at 6 of 8 draws {other:.2f} to {one:.2f} of 8"
        f" samples, {1 - one / 8:.0%} to {1 - other / 8:.0%} fewer, by who has the other votes. In the lab"
        f" ({found['questions']} questions, the untrained model, one thread, medians of {found['repeats']}):",
        "",
        "| rule | samples a question | samples saved | time saved |",
        "| --- | --- | --- | --- |",
    ]
    for name, row in found["lab"].items():
        lines.append(f"| {name} | {row['samples']:.2f} | {row['samples_saved']:.0%} | {row['seconds_saved']:.0%} |")
    return "\n".join(lines)


def more_votes() -> str:
    """What study v2 found on the lab: selections, predictions, the curve."""
    run = json.loads((ROOT / "results" / "v2" / "results.json").read_text(encoding="utf-8"))
    lines = [
        "| condition | K | samples | selected | coverage | precision | samples a label | accuracy |",
        f"|{' --- |' * 8}",
    ]
    accuracy = {row["name"]: row["accuracy"] for row in run["conditions"]}
    for row in run["selections"]:
        cells = [
            row["condition"],
            str(row["k"]),
            f"{row['samples']:,}",
            str(row["accepted"]),
            f"{100 * row['coverage']:.1f} %",
            f"{100 * row['precision']:.1f} %",
            f"{row['samples_per_label']:.0f}",
            f"{100 * accuracy[row['condition']]:.1f} %",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for row in run["predictions"]:
        low, high = (100 * bound for bound in row["interval"])
        lines.append(
            f"- {row['source']}. Expected: {row['measure']} of {row['condition']} above {100 * row['above']:.0f} %;"
            f" found {100 * row['value']:.1f} % [{low:.1f}, {high:.1f}]: **{row['verdict']}**."
        )
    most = max((row for row in run["labels"] if row.get("curve")), key=lambda row: (row["k"], row["questions"]))
    curve = ", ".join(f"{100 * share:.1f} % at k = {k}" for k, share in most["curve"])
    lines += [
        "",
        f"Right votes over k samples (mean over all subsets of one draw of {most['k']}): {curve}. "
        f"More stops paying at k = {most['enough']}: the next step gains less than this test can see.",
    ]
    for finding in run["findings"]:
        if finding["primary"]:
            _, points, interval = _told(finding)
            lines += ["", f"{finding['a']} - {finding['b']}: {points} points {interval}, {finding['verdict']}."]
    return "\n".join(lines)


def grpo_speed() -> str:
    """A step of GRPO beside stock TRL, as ``benchmarks/grpo.py`` measured it."""
    lines = [
        "| scale | model | step | rollout, s (stock) | | whole step, s (stock) | | ceiling |",
        f"|{' --- |' * 8}",
    ]
    for path in sorted((ROOT / "results").glob("grpo-*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        spec, ours, stock = found["spec"], found["ours"], found["stock"]
        cells = [
            f"`{found['scale']}`",
            found["model"],
            f"{spec['prompts']} x {spec['generations']}, {ours['mean_length']:.0f} tokens",
            f"{ours['rollout_seconds']:.2f} ({stock['rollout_seconds']:.2f})",
            f"{found['rollout_ratio']} x",
            f"{ours['step_seconds']:.2f} ({stock['step_seconds']:.2f})",
            f"{found['step_ratio']} x",
            f"{found['ceiling']} x",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def reinforcement() -> str:
    """What study v4 found on the lab: criteria, conditions, groups."""
    run = json.loads((ROOT / "results" / "v4" / "results.json").read_text(encoding="utf-8"))
    lines = ["| expected by the plan | points | 95 % interval | answer |", f"|{' --- |' * 4}"]
    for row in run["criteria"]:
        _, points, interval = _told(row)
        lines.append(f"| {row['source']} | {points} | {interval} | **{row['answer']}** |")
    lines += [
        "",
        "| condition | accuracy | 95 % interval | labels right | steps | gold episodes | pseudo episodes |",
        f"|{' --- |' * 7}",
    ]
    for row in run["conditions"]:
        low, high = (100 * bound for bound in row["interval"])
        right = "" if row["label_accuracy"] is None else f"{100 * row['label_accuracy']:.1f} %"
        counts = [f"{row[name]:,}" if row[name] else "" for name in ("steps", "gold_episodes", "pseudo_episodes")]
        cells = [row["name"], f"{100 * row['accuracy']:.1f} %", f"[{low:.1f}, {high:.1f}]", right, *counts]
        lines.append(f"| {' | '.join(cells)} |")
    controls = {row["name"] for row in run["conditions"] if row["control_of"]}
    for finding in run["findings"]:
        if finding["primary"] or finding["b"] in controls:
            _, points, interval = _told(finding)
            words = verdict_words(finding, run["conditions"])
            lines += ["", f"{finding['a']} - {finding['b']}: {points} points {interval}, {words}."]
    return "\n".join(lines)


def adapters() -> str:
    """What study v5 found on the lab: criteria, and what each arm trained, chose and reached."""
    run = json.loads((ROOT / "results" / "v5" / "results.json").read_text(encoding="utf-8"))
    lines = ["| expected by the plan | points | 95 % interval | answer |", f"|{' --- |' * 4}"]
    for row in run["criteria"]:
        _, points, interval = _told(row)
        lines.append(f"| {row['source']} | {points} | {interval} | **{row['answer']}** |")
    lines += [
        "",
        "| condition | trained numbers | learning rate | right on dev at each | accuracy | 95 % interval | bits |",
        f"|{' --- |' * 7}",
    ]
    for row in run["conditions"]:
        if row["trainable_parameters"] is None:
            continue
        low, high = (100 * bound for bound in row["interval"])
        tried = ", ".join(f"{each['rate']:g}: {each['right']}/{each['n']}" for each in row["tried"] or ())
        bits = "" if row["reward_bits"] is None else f"{row['reward_bits']:,.0f}"
        cells = [f"{row['trainable_parameters']:,}", f"{row['learning_rate']:.1e}", tried]
        cells += [f"{100 * row['accuracy']:.1f} %", f"[{low:.1f}, {high:.1f}]", bits]
        lines.append(f"| {row['name']} | {' | '.join(cells)} |")
    for finding in run["findings"]:
        if finding["primary"]:
            _, points, interval = _told(finding)
            lines += ["", f"{finding['a']} - {finding['b']}: {points} points {interval}, {finding['verdict']}."]
    return "\n".join(lines)


def health_rules() -> str:
    """The rules in their order, each in the words of its function, with what it explains away."""
    from noisy_student.training.health.rules import RULES

    lines = ["| condition | is found where | explains |", f"|{' --- |' * 3}"]
    for rule in RULES:
        first = (rule.judge.__doc__ or "").strip().split("\n")[0].rstrip(".")
        lines.append(f"| `{rule.name}` | {first[0].lower()}{first[1:]} | {', '.join(rule.explains)} |")
    return "\n".join(lines)


def health_cost() -> str:
    """What the looks cost, as ``benchmarks/health.py`` measured it."""
    rows = json.loads((ROOT / "results" / "health.json").read_text(encoding="utf-8"))
    parts = [name for name in rows[0] if name not in ("seed", "steps", "seconds", "found", "share")]
    lines = [f"| seed | steps | {' | '.join(parts)} | together |", f"|{' --- |' * (len(parts) + 3)}"]
    for row in rows:
        cells = [f"{100 * row[name]:.2f} %" for name in (*parts, "share")]
        lines.append(f"| {row['seed']} | {row['steps']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ladder() -> str:
    """What study v4-debug found on the lab: rungs, the numbers before and after, the recommendation."""
    from noisy_student.report.tables.probes import before_after_table, recommendations, rungs_table

    run = json.loads((ROOT / "results" / "v4-debug" / "results.json").read_text(encoding="utf-8"))
    lines: list[str] = []
    for table in (rungs_table(run), before_after_table(run)):
        lines += [f"| {' | '.join(column.name for column in table.columns)} |", f"|{' --- |' * len(table.columns)}"]
        lines += [f"| {' | '.join(line.cells)} |" for line in table.lines]
        lines.append("")
    return "\n".join([*lines, *recommendations(run)])


def claims() -> str:
    """The plan's claims about its own table, judged."""
    from noisy_student.cli.compare import read_claims, read_table
    from noisy_student.evaluation.claims import judge_claims

    examples = ROOT / "examples"
    table = {row.name: (row.correct, row.n) for row in read_table(examples / "plan_table.csv")}
    head = ("claim", "family", "points", "95 % interval", "p", "p (Holm)", "power", "n a side", "answer")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for each in judge_claims(read_claims(examples / "plan_claims.csv"), table):
        found, said = each.comparison, each.claim
        assert found.interval is not None and found.p_value is not None and each.power is not None
        low, high = (100 * bound for bound in found.interval)
        cells = [f"{said.a} {'like' if said.says == 'alike' else said.says + ' than'} {said.b}"]
        cells += [f"{said.family} ({each.size})", f"{100 * found.difference:+.1f}", f"[{low:+.1f}, {high:+.1f}]"]
        cells += [f"{found.p_value:.4f}", f"{each.p_holm:.3f}", f"{100 * each.power:.1f} %"]
        cells += [f"{found.n_needed:,}", f"**{each.held}**"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def grpo_seeds() -> str:
    """What three seeds of ``combined`` say of its GRPO rows."""
    run = json.loads((ROOT / "results" / "combined-three-seeds" / "results.json").read_text(encoding="utf-8"))
    lines = ["| comparison | unit | n | points | 95 % interval | p |", f"|{' --- |' * 6}"]
    for row, points, interval in map(_told, run["findings"]):
        if "grpo" in row["a"] or "grpo" in row["b"]:
            p_value = f"{row['p_value']:.2g}"
            cells = [f"{row['a']} - {row['b']}", row["unit"], f"{row['n']:,}", points, interval, p_value]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


BLOCKS: dict[str, Callable[[], str]] = {
    "tree": tree,
    "studies": studies,
    "run": run_output,
    "regime": regime,
    "teachers": teachers,
    "endless": endless,
    "timings": timings,
    "seeds": seeds,
    "real": real_runs,
    "sampling": sampling,
    "stopping": stopping,
    "more-votes": more_votes,
    "grpo-speed": grpo_speed,
    "reinforcement": reinforcement,
    "grpo-seeds": grpo_seeds,
    "adapters": adapters,
    "health-rules": health_rules,
    "health-cost": health_cost,
    "ladder": ladder,
    "claims": claims,
    "answers": answers,
    "sisters": sisters,
    **{
        f"findings-{name}": partial(primary, name)
        for name in ("noise", "quantity", "threshold", "teacher", "rounds", "v6", "v7", "student-noise")
    },
}

if __name__ == "__main__":
    raise SystemExit(main())
