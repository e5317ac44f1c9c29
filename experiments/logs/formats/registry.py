"""Every format's reader by its name in `supply.format`; and what decides the content of a log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jointbid.sim.scenario import LogSupply

from ...errors import BadInput, closest
from ..log_table import Reader
from ..rows.compression import head
from ..rows.conditions import Condition, condition_of
from ..rows.files import files_of, logs_in, raw_kind
from . import detect
from .any_file import kind_of, names_in
from .auctionnet import auctionnet
from .click_price_pctr import click_price_pctr
from .featindex import FeatureIndex
from .ipinyou import SCHEMA, TEST_SCHEMA, cleaned_csv, log_txt, raw_logs, width_of
from .joins.keys import salt_of
from .joins.reader import Joined
from .joins.store import TableStore
from .joins.tables import TableRows
from .jointbid_log import jointbid_log
from .mapped import Mapped
from .mapping import Mapping, read_mapping
from .presets import Preset, presets
from .yzx import yzx

AUTO = "auto"
FEATURE_INDEX = "featindex.txt"
_SALTED_BYTES = 1 << 20


@dataclass(frozen=True)
class Format:
    """A format: what it is, in words, and how it is opened."""

    about: str
    open: Callable[[Path, LogSupply], Reader]


def open_log(supply: LogSupply) -> tuple[str, Reader]:
    """Return the format's name and a reader of the log.

    Raises:
        BadInput: an unknown format, files that are not there or not of this format, settings that do not fit it.
    """
    path, name = Path(supply.path), supply.format
    if name == AUTO:
        name = detect.detect(path, mapped=supply.mapping is not None)
    formats = all_formats()
    if name not in formats:
        known = ", ".join((AUTO, *formats))
        raise BadInput(f"supply.format: {name!r} is not one of {known}{closest(name, formats)}")
    if supply.mapping is not None and name != detect.MAPPED:
        raise BadInput(f"supply.mapping: is for supply.format=mapped, not for {name}")
    if supply.clicks is not None and name != detect.RAW:
        raise BadInput(
            f"supply.clicks: is for supply.format={detect.RAW}, whose clicks are files of their own; this is {name}"
        )
    return name, formats[name].open(path, supply)


def all_formats() -> dict[str, Format]:
    """Return the formats with a reader of their own, and those that are YAML files, by name."""
    return FORMATS | {
        name: Format(preset.about, partial(_preset, preset))
        for name, preset in presets().items()
        if name not in FORMATS
    }


def fingerprint(supply: LogSupply) -> list[str]:
    """Return a digest of every file that is part of the log.

    Raises:
        BadInput: a file that cannot be read.
    """
    path, digests = Path(supply.path), list[str]()
    given = (supply.path, supply.test_path, supply.clicks, supply.mapping)
    named = [name for name in given if name is not None]
    files = [file for name in named for file in files_of(Path(name))]
    files += _files_of_tables(supply)
    if not path.is_dir():  # what a reader takes from beside one file
        index = path.parent / FEATURE_INDEX
        files += [index] if index.is_file() else []
        if raw_kind(path) == "imp":
            files += [file for file in files_of(path.parent) if raw_kind(file) in {"clk", "conv"}]
    for file in files:
        try:
            with file.open("rb") as content:
                digests.append(hashlib.file_digest(content, "blake2b").hexdigest())
        except OSError as error:
            raise BadInput(f"supply.path = {file}: {error.strerror}") from None
    return digests


def _plain(read: Callable[[Sequence[Path], float], Reader]) -> Callable[[Path, LogSupply], Reader]:
    """Return how a format is opened that takes the files of the log and the weight of a non-click."""
    return lambda path, supply: read(logs_in(path), supply.nonclick_weight)


def _raw(path: Path, supply: LogSupply) -> Reader:
    files = files_of(path)
    kinds = {file: raw_kind(file) for file in files}
    impressions = [file for file in files if kinds[file] == "imp"] if path.is_dir() else files
    if path.is_dir() and not impressions:
        impressions = [file for file in files if not kinds[file] and width_of(file) == len(TEST_SCHEMA)]
    if not impressions:
        raise BadInput(
            f"{path}: no impression files in it (imp.*); it has {', '.join(file.name for file in files)[:300]}"
        )
    for file in impressions:
        _check_width(file)
    counted = all(width_of(file) == len(TEST_SCHEMA) for file in impressions)
    clicks = _beside(path, "clk", supply.clicks)
    if not clicks and not counted:
        raise BadInput(
            f"{path}: no click file beside it (clk.*): say supply.clicks=FILE; without clicks there is nothing to learn"
        )
    for file in clicks:
        _check_width(file)
    return raw_logs(impressions, clicks, _beside(path, "conv", None), supply.nonclick_weight)


def _check_width(file: Path) -> None:
    """Raise `BadInput` for a bid log, or anything else but a file of impressions, clicks or conversions."""
    if not head(file, 64).strip():
        return  # an empty file has no clicks, or no rows
    width = width_of(file)
    if width not in {len(SCHEMA), len(TEST_SCHEMA)}:
        detect.detect(file)  # says more of what it is, where it is known
        raise BadInput(
            f"{file}: {width} columns separated by tabs where the logs of iPinYou have {len(SCHEMA)}"
        )


def _beside(path: Path, kind: str, said: str | None) -> list[Path]:
    """Return the click or conversion files of a folder, or those that go with one file of impressions."""
    if said is not None:
        given = Path(said)
        return [file for file in files_of(given) if not given.is_dir() or raw_kind(file) == kind]
    if path.is_dir():
        return [file for file in files_of(path) if raw_kind(file) == kind]
    if raw_kind(path) != "imp":
        return []
    day = path.name[4:].split(".")[0]
    return [
        file for file in files_of(path.parent) if raw_kind(file) == kind and day in file.name.split(".")[1:]
    ]


def _yzx(path: Path, supply: LogSupply, *, with_bids: bool = False) -> Reader:
    index = (path if path.is_dir() else path.parent) / FEATURE_INDEX
    meaning = FeatureIndex.read(index) if index.is_file() else None
    return yzx(logs_in(path), supply.nonclick_weight, meaning, with_bids=with_bids)


def _mapped(path: Path, supply: LogSupply) -> Reader:
    if supply.mapping is None:
        raise BadInput(
            "supply.mapping: required by supply.format=mapped: a YAML file that says what the columns are"
        )
    mapping = read_mapping(Path(supply.mapping))
    files = _of_one_kind(path)
    if mapping.tables:
        return _joined(files, mapping, supply).reader
    if mapping.has_patterns:
        mapping = mapping.expanded(_names_of_log(files[0], mapping))
    return Mapped(files, mapping, supply.nonclick_weight, _kept(mapping, supply.mapping)).reader


def _names_of_log(file: Path, mapping: Mapping) -> Sequence[str]:
    return mapping.header or names_in(file, mapping.delimiter, quoted=mapping.quoted)


def _preset(preset: Preset, path: Path, supply: LogSupply) -> Reader:
    files = _of_one_kind(path)
    names = names_in(files[0]) if preset.mapping.header is None else []
    mapping = preset.mapping_for(names).expanded(names)
    keep = _kept(mapping, f"supply.format={supply.format}")
    return Mapped(files, mapping, supply.nonclick_weight, keep, preset.facts).reader


def _kept(mapping: Mapping, where: object) -> Condition | None:
    return condition_of(mapping.filter, f"{where}: filter", mapping.decimal)


def _of_one_kind(path: Path) -> list[Path]:
    """Return the files for a mapping.

    Raises:
        BadInput: files of several kinds.
    """
    files = logs_in(path, mapped=True)
    kinds = {kind_of(file) for file in files}
    if len(kinds) > 1:
        raise BadInput(
            f"{path}: holds files of several kinds ({', '.join(sorted(kinds))}); give them one by one"
        )
    return files


def open_joined(supply: LogSupply) -> Joined:
    """Return the reader of a log with tables, which keeps keys in every form.

    Raises:
        BadInput: no mapping, one without tables, or files that cannot be used.
    """
    if supply.mapping is None:
        raise BadInput(
            "supply.mapping: required: a YAML file that says what the columns are, and which tables are joined"
        )
    mapping = joined_tables(supply)
    if mapping is None:
        raise BadInput(
            f"supply.mapping = {supply.mapping}: has no tables; say in its section tables what is joined to the log (docs/your-files.md)"
        )
    files = logs_in(Path(supply.path), mapped=True)
    return _joined(files, mapping, supply, forms=True)


def _joined(files: Sequence[Path], mapping: Mapping, supply: LogSupply, *, forms: bool = False) -> Joined:
    """Return the reader of a log with tables; their keys are salted by the content of all files."""
    if mapping.has_patterns:
        of_tables = {table.name: table.names for table in _tables(mapping, supply)}
        mapping = mapping.expanded(_names_of_log(files[0], mapping), of_tables)
    columns = {column for table in mapping.tables.values() for column in table.key} | {*mapping.person}
    store = TableStore(
        mapping, _folder(supply), salt_of(_parts_of(supply)), supply.join_memory_gb, supply.drop_bad, forms
    )
    keep = _kept(mapping, supply.mapping)
    log = Mapped(files, mapping, supply.nonclick_weight, keep, carried=tuple(sorted(columns)))
    return Joined(log, store)


def _tables(mapping: Mapping, supply: LogSupply) -> Iterator[TableRows]:
    """Yield the readers of the joined tables."""
    return (TableRows(name, mapping, _folder(supply)) for name in mapping.tables)


def _files_of_tables(supply: LogSupply) -> list[Path]:
    """Return the files of all joined tables."""
    mapping = joined_tables(supply)
    return [file for table in (_tables(mapping, supply) if mapping else ()) for file in table.files]


def _parts_of(supply: LogSupply) -> Iterator[bytes]:
    """Yield the size and the beginning of every file that is joined, known only to those who have the files."""
    for file in [*files_of(Path(supply.path)), *_files_of_tables(supply)]:
        with file.open("rb") as content:
            yield str(file.stat().st_size).encode() + content.read(_SALTED_BYTES)


def _folder(supply: LogSupply) -> Path:
    """Return the folder from which paths of the mapping count."""
    return Path(str(supply.mapping)).parent


def joined_tables(supply: LogSupply) -> Mapping | None:
    """Return the mapping of a log with joined tables; None of any other log."""
    mapping = read_mapping(Path(supply.mapping)) if supply.mapping else None
    return mapping if mapping is not None and mapping.tables else None


FORMATS: dict[str, Format] = {
    detect.RAW: Format("iPinYou raw logs, seasons 2 and 3: imp and clk files, 24 columns, no header", _raw),
    detect.LOG_TXT: Format(
        "make-ipinyou-data *.log.txt: 27 or 29 columns, with a header or without", _plain(log_txt)
    ),
    detect.CSV: Format("the cleaned iPinYou CSV: a header, 20 columns", _plain(cleaned_csv)),
    detect.CLICK_PRICE_PCTR: Format("click price pctr text (rlb-dp, rtbarbitrage)", _plain(click_price_pctr)),
    detect.YZX: Format("yzx text: click price index:value ...", _yzx),
    detect.YZBX: Format(
        "yzbx text: click price bid index:value ..., won and lost rows", partial(_yzx, with_bids=True)
    ),
    detect.AUCTIONNET: Format("AuctionNet period CSV", _plain(lambda files, _: auctionnet(files))),
    detect.MAPPED: Format("any CSV, JSON-lines or Parquet file, by a mapping", _mapped),
    detect.OWN: Format(
        "the auction log of jointbid run",
        lambda path, supply: jointbid_log(logs_in(path), supply.seat),
    ),
}
