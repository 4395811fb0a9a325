"""``preflight``: the checks that come before a study is paid for; the same as ``run preflight``."""

from __future__ import annotations

from noisy_student.cli import options, run

STUDY = "preflight"


def command(
    scale: options.Scale = options.SCALE,
    protocol: options.Protocol = options.PROTOCOL,
    model: options.Model = None,
    data: options.Data = None,
    limit: options.Limit = None,
    seeds: options.Seeds = None,
    sets: options.Sets = None,
    executor: options.Executor = options.LOCAL,
    deadline: options.Deadline = None,
    budget: options.Budget = None,
    store: options.StoreFolder = options.STORE,
    runs: options.RunsFolder = options.RUNS,
    json: options.Json = False,
) -> None:
    """Check a model, data and machine before the money is spent: each check passes, warns, fails or is unsure."""
    run.command(STUDY, scale, protocol, model, data, limit, seeds, sets, executor, deadline, budget, store, runs, json)
