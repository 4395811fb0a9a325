"""Locates the files of a source: on this machine, or downloaded from the hub once into its cache.

Only parquet and JSONL are read, so a data set's own code never runs. A part of a data set is named by a split
(``train`` finds ``train.jsonl``, ``data/train-00000-of-00002.parquet``, ``main/train/0000.parquet``) or by a pattern of
file names (``main/train-*.parquet``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from noisy_student.data.spec import ForeignSpec, SourceSpec
from noisy_student.errors import UserError

Located = SourceSpec | ForeignSpec
SUFFIXES = (".jsonl", ".parquet")
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


def chosen(names: Iterable[str], split: str, config: str | None) -> list[str]:
    """Return the files of a split or pattern, sorted; a config without files is ignored.

    >>> chosen(["main/train-0.parquet", "main/test-0.parquet", "socratic/train-0.parquet"], "train", "main")
    ['main/train-0.parquet']
    """
    usable = sorted(name for name in names if name.endswith(SUFFIXES))
    inside = [name for name in usable if config is not None and name.startswith(f"{config}/")]
    return [name for name in inside or usable if any(fnmatchcase(name, pattern) for pattern in _patterns(split))]


def _patterns(split: str) -> list[str]:
    if any(sign in split for sign in "*?./"):
        return [split]
    stems = [f"{split}{suffix}" for suffix in SUFFIXES] + [f"{split}-*", f"{split}/*"]
    return [prefix + stem for stem in stems for prefix in ("", "*/")]


def _file(name: str, setting: str) -> Path:
    found = Path(name).expanduser()
    if not found.is_file():
        raise UserError(
            f"There is no file {name}.",
            why=f"{setting} names it, and the questions are read from it.",
            do=f"Check the path, or set {setting} to another file.",
            code="file-not-found",
        )
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
        _require_files(found, names, f'{dataset} for "{source.parts[part]}"', source.setting(part))
        _require_one_config(found, f'"{source.parts[part]}" of {dataset}', source.table)
        _require_all_shards(found, dataset)
    return files


def _require_files(found: Sequence[str], names: Iterable[str], what: str, setting: str) -> None:
    if found:
        return
    usable = sorted(name for name in names if name.endswith(SUFFIXES))
    raise UserError(
        f"There is no parquet or JSONL file in {what}.",
        why=f"It has: {', '.join(usable[:_SHOWN])}." if usable else "It has no such files.",
        do=f"Set {setting} to a split or to a pattern of its file names."
        if usable
        else f'The hub converts many data sets: set {setting.rpartition(".")[0]}.revision to "refs/convert/parquet".',
        code="split-not-found",
    )


def _require_one_config(found: Sequence[str], what: str, table: str) -> None:
    """Raise UserError for files of several configs, which may hold the same questions with other solutions."""
    folders = sorted({name.rpartition("/")[0] for name in found})
    if len(folders) > 1:
        raise UserError(
            f"{what} has files in several folders: {', '.join(folders[:_SHOWN])}.",
            why="They may hold the same questions in other forms.",
            do=f"Choose one with {table}.config, such as {folders[0].partition('/')[0]}.",
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
        do="Check the name and the network, or give a folder with its parquet or JSONL files (--data FOLDER).",
        code="dataset-unavailable",
    )
