"""Locates the files of a source: on this machine, or downloaded from the hub once into its cache.

Only data files are read (``SUFFIXES``), so a data set's own code never runs. A part of a data set is named by a split
(``train`` finds ``train.jsonl``, ``data/train-00000-of-00002.parquet``, ``main/train/0000.parquet``) or by a pattern of
file names (``main/train-*.parquet``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from noisy_student import opener
from noisy_student.data.spec import ForeignSpec, SourceSpec
from noisy_student.errors import UserError

Located = SourceSpec | ForeignSpec
_TEXTS = ("jsonl", "ndjson", "json", "csv", "tsv")
SUFFIXES = (".parquet", ".pq", *(f".{name}{packed}" for name in _TEXTS for packed in ("", ".gz")))
"""Suffixes of the files of a data set, in any case, in the order in which one of several formats is chosen."""
_ASIDE = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "package.json")
"""JSON files that describe a data set and hold none of it."""
_ENDS = " Files are read that end in .parquet, .jsonl, .json, .csv or .tsv."
_SHOWN = 8


def locate(source: Located) -> dict[str, tuple[Path, ...]]:
    """Return the files of each part that the source names; none for a procedural source.

    Raises UserError for a missing file, an unavailable data set and an unknown split.
    """
    if source.kind == "jsonl":
        return {part: (_file(name, source.setting(part)),) for part, name in source.parts.items()}
    if source.dataset is None or source.kind == "procedural":
        return {}
    folder = Path(source.dataset).expanduser()
    if folder.is_dir():
        return _in_folder(folder, source)
    if source.dataset.startswith((".", "/", "~")) or source.dataset.count("/") != 1:
        raise UserError(
            f"There is no folder {source.dataset}.",
            why="A data set is a folder or a hub id such as openai/gsm8k.",
            do=f"Check {source.table}.dataset.",
            code="dataset-not-found",
        )
    return _from_hub(source.dataset, source)


def chosen(names: Iterable[str], split: str, config: str | None = None) -> list[str]:
    """Return the files of a split or pattern, sorted; a config without files is ignored.

    Files of a split in several formats are copies: those of the first format in SUFFIXES are returned.

    >>> chosen(["main/train-0.parquet", "main/test-0.parquet", "socratic/train-0.parquet"], "train", "main")
    ['main/train-0.parquet']
    """
    usable = [name for name in _usable(names) if _config_of(name, split) is not None]
    inside = [name for name in usable if config is not None and name.startswith(f"{config}/")]
    found = inside or usable
    best = min((_rank(name) for name in found), default=0)
    return [name for name in found if _rank(name) == best or _is_pattern(split)]


def _usable(names: Iterable[str]) -> list[str]:
    """Return the files that are read, sorted; hidden files and folders, such as those of editors, are left aside."""
    return sorted(
        name
        for name in names
        if name.lower().endswith(SUFFIXES)
        and not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        and name.rpartition("/")[2] not in _ASIDE
    )


def _rank(name: str) -> int:
    return next(place for place, suffix in enumerate(SUFFIXES) if name.lower().endswith(suffix))


def _is_pattern(split: str) -> bool:
    return any(sign in split for sign in "*?./")


def _config_of(name: str, split: str) -> str | None:
    """Return the folder in which a data set keeps a config, if the file belongs to the split; else None.

    >>> _config_of("main/train/0000.parquet", "train"), _config_of("main/test.jsonl", "train")
    ('main', None)
    """
    folder, _, own = name.rpartition("/")
    if _is_pattern(split):
        return folder if fnmatchcase(name, split) else None
    folders = folder.split("/") if folder else []
    if split in folders:
        return "/".join(folders[: folders.index(split)])
    return folder if own[: -len(SUFFIXES[_rank(own)])] == split or own.startswith(f"{split}-") else None


def _file(name: str, setting: str) -> Path:
    found = Path(name).expanduser()
    if not found.exists():
        raise UserError(
            f"There is no file {name}.",
            why=f"{setting} names it, and the questions are read from it. Paths in a study file begin at its folder.",
            do=f"Check the path, or set {setting} to another file.",
            code="file-not-found",
        )
    opener.require_regular(found)
    return found


def _in_folder(folder: Path, source: Located) -> dict[str, tuple[Path, ...]]:
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    files = _files_by_part(names, str(folder), source)
    return {part: tuple(folder / name for name in found) for part, found in files.items()}


def _from_hub(dataset: str, source: Located) -> dict[str, tuple[Path, ...]]:
    """Download only the files that the parts name; without a network, use the hub's cache."""
    from huggingface_hub import HfApi, constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError
    from huggingface_hub.errors import HTTPError as NoAnswerError  # type: ignore[attr-defined]

    if constants.HF_HUB_OFFLINE:
        return _in_folder(_cached(dataset, source), source)
    try:
        info = HfApi().dataset_info(dataset, revision=source.revision)
        files = _files_by_part([sibling.rfilename for sibling in info.siblings or ()], dataset, source)
        return {
            part: tuple(
                Path(hf_hub_download(dataset, name, repo_type="dataset", revision=source.revision)) for name in found
            )
            for part, found in files.items()
        }
    except (HfHubHTTPError, HFValidationError, EntryNotFoundError) as error:
        raise _out_of_reach(dataset, error) from error
    except NoAnswerError:
        # No network: use the files of an earlier download.
        return _in_folder(_cached(dataset, source), source)


def _cached(dataset: str, source: Located) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(dataset, repo_type="dataset", revision=source.revision, local_files_only=True)
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise _out_of_reach(dataset, error) from error
    return Path(found)


def _files_by_part(names: Iterable[str], dataset: str, source: Located) -> Mapping[str, list[str]]:
    names = list(names)
    files = {part: chosen(names, split, source.config) for part, split in source.parts.items()}
    for part, found in files.items():
        _require_files(found, names, part, source)
        _require_one_config(found, source.parts[part], f'"{source.parts[part]}" of {dataset}', source.table)
        _require_all_shards(found, dataset)
    return files


def _require_files(found: Sequence[str], names: Iterable[str], part: str, source: Located) -> None:
    if found:
        return
    names = sorted(names)
    usable, setting = _usable(names), source.setting(part)
    own = Path(str(source.dataset)).expanduser().is_dir()
    other = (
        "Give a folder with files such as train.jsonl, train.csv or train.parquet."
        if own
        else f'The hub converts many data sets: set {source.table}.revision to "refs/convert/parquet".'
    )
    raise UserError(
        f'There is no file of "{source.parts[part]}" in {source.dataset}.',
        why=f"It has: {', '.join((usable or names)[:_SHOWN]) or 'no files'}.{'' if usable else _ENDS}",
        do=f"Set {setting} to a split or to a pattern of its file names{', or give one of its files' * own}."
        if usable
        else other,
        code="split-not-found",
    )


def _require_one_config(found: Sequence[str], split: str, what: str, table: str) -> None:
    """Raise UserError for files of several configs, which may hold the same questions with other solutions."""
    folders = sorted({_config_of(name, split) or "" for name in found})
    if len(folders) > 1:
        raise UserError(
            f"{what} has files in several folders: {', '.join(name or '.' for name in folders[:_SHOWN])}.",
            why="They may hold the same questions in other forms.",
            do=f"Choose one with {table}.config, such as {folders[-1].partition('/')[0]}.",
            code="several-configs",
        )


def _require_all_shards(found: Sequence[str], dataset: str) -> None:
    """Raise UserError if shards are missing, as after an interrupted download of ``train-00000-of-00003``."""
    for name in found:
        counted = re.search(r"-\d+-of-(\d+)\.", name)
        if counted and int(counted[1]) != len(found):
            raise UserError(
                f"{dataset} is incomplete: {len(found)} of {int(counted[1])} files like {name}.",
                why="A split with missing files has other questions.",
                do="Download it again.",
                code="dataset-incomplete",
            )


def _out_of_reach(dataset: str, error: Exception) -> UserError:
    return UserError(
        f"The data set {dataset} cannot be read from the hub.",
        why=str(error).split("\n", maxsplit=1)[0],
        do="Check the name and the network, or give a folder with its files (--data FOLDER).",
        code="dataset-unavailable",
    )
