"""``show``: a study's settings after protocol, study, scale and ``--set``, as TOML that can be run again."""

from __future__ import annotations

from noisy_student.cli import options
from noisy_student.cli.console import emit
from noisy_student.cli.overrides import Flags, overrides
from noisy_student.cli.toml_text import toml_text
from noisy_student.study.settings.files import Request, resolve


def command(
    study: options.Study = options.STUDY,
    scale: options.Scale = options.SCALE,
    protocol: options.Protocol = options.PROTOCOL,
    model: options.Model = None,
    data: options.Data = None,
    limit: options.Limit = None,
    seeds: options.Seeds = None,
    sets: options.Sets = None,
    json: options.Json = False,
) -> None:
    """Show a study with all its settings resolved."""
    flags = Flags(model=model, data=data, limit=limit, seeds=seeds, sets=sets or ())
    settings = resolve(Request(study, scale, protocol, overrides(flags))).model_dump(mode="json", by_alias=True)
    if json:
        emit(settings)
    else:
        print(toml_text(settings), end="")
