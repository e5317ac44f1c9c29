"""Every format's reader by its name in `supply.format`, opened with what was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jointbid.sim.paths import expand

from ...errors import BadInput, closest
from ..log_table import Reader
from ..rows.compression import files_of, head, raw_kind
from . import detect
from .auctionnet import AuctionNet
from .click_price_pctr import ClickPricePctr
from .featindex import FeatureIndex
from .ipinyou import SCHEMA, TEST_SCHEMA, CleanedCsv, LogTxt, RawLogs, width_of
from .jointbid_log import SEAT, JointbidLog
from .json_lines import is_json, is_spread_json
from .mapped import Kind, Mapped
from .mapping import read_mapping
from .yzx import Yzbx, Yzx

AUTO = "auto"
FEATURE_INDEX = "featindex.txt"


@dataclass(frozen=True)
class Options:
    """What may be said about a log beside its path.

    Attributes:
        nonclick_weight: how many non-clicks of the full log one row without a click stands for.
        clicks: the click file (or folder) that goes with a file of impressions.
        mapping: the YAML file that says what the columns are.
        seat: of a log of this engine, the bidder whose log it shall be.
    """

    nonclick_weight: float = 1.0
    clicks: str | None = None
    mapping: str | None = None
    seat: str = SEAT


@dataclass(frozen=True)
class Format:
    """A format: what it is, in words, and how it is opened."""

    about: str
    open: Callable[[Path, Options], Reader]


def open_log(path: Path, log_format: str = AUTO, options: Options | None = None) -> tuple[str, Reader]:
    """The format's name and a reader of the log.

    Raises:
        BadInput: an unknown format, files that are not there or not of this format, options that do not fit it.
    """
    options = options or Options()
    name = detect.detect(path, mapped=options.mapping is not None) if log_format == AUTO else log_format
    if name not in FORMATS:
        known = ", ".join((AUTO, *FORMATS))
        raise BadInput(f"supply.format: {name!r} is not one of {known}{closest(name, FORMATS)}")
    if options.mapping is not None and name != detect.MAPPED:
        raise BadInput(f"supply.mapping: is for supply.format=mapped, not for {name}")
    if options.clicks is not None and name != detect.RAW:
        raise BadInput(
            f"supply.clicks: is for supply.format={detect.RAW}, whose clicks are files of their own; this is {name}"
        )
    return name, FORMATS[name].open(path, options)


def _plain(path: Path) -> Sequence[Path]:
    """The files of a log, without what may lie beside them."""
    return detect.likely(files_of(path))


def _raw(path: Path, options: Options) -> Reader:
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
    clicks = _beside(path, "clk", options.clicks)
    if not clicks and not counted:
        raise BadInput(
            f"{path}: no click file beside it (clk.*): say supply.clicks=FILE; without clicks there is nothing to learn"
        )
    for file in clicks:
        _check_width(file)
    return RawLogs(impressions, options.nonclick_weight, clicks, _beside(path, "conv", None))


def _check_width(file: Path) -> None:
    """Tell a bid log, or anything else, from a file of impressions, clicks or conversions."""
    if not head(file, 64).strip():
        return  # an empty file has no clicks, or no rows
    width = width_of(file)
    if width not in {len(SCHEMA), len(TEST_SCHEMA)}:
        detect.detect(file)  # says more of what it is, where it is known
        raise BadInput(
            f"{file}: {width} columns separated by tabs where the logs of iPinYou have {len(SCHEMA)}"
        )


def _beside(path: Path, kind: str, said: str | None) -> list[Path]:
    """The click or conversion files of a folder, or those that go with one file of impressions."""
    if said is not None:
        given = expand(said)
        return [file for file in files_of(given) if not given.is_dir() or raw_kind(file) == kind]
    if path.is_dir():
        return [file for file in files_of(path) if raw_kind(file) == kind]
    if raw_kind(path) != "imp":
        return []
    day = path.name[4:].split(".")[0]
    return [
        file for file in files_of(path.parent) if raw_kind(file) == kind and day in file.name.split(".")[1:]
    ]


def _yzx(path: Path, options: Options, reader: type[Yzx] = Yzx) -> Reader:
    index = (path if path.is_dir() else path.parent) / FEATURE_INDEX
    return reader(
        _plain(path), options.nonclick_weight, FeatureIndex.read(index) if index.is_file() else None
    )


def _mapped(path: Path, options: Options) -> Reader:
    if options.mapping is None:
        raise BadInput(
            "supply.mapping: required by supply.format=mapped: a YAML file that says what the columns are"
        )
    mapping = read_mapping(expand(options.mapping))
    files = detect.likely(files_of(path), mapped=True)
    kinds = {_kind(file) for file in files}
    if len(kinds) > 1:
        raise BadInput(
            f"{path}: holds files of several kinds ({', '.join(sorted(kinds))}); give them one by one"
        )
    return Mapped(files, mapping, kinds.pop(), options.nonclick_weight)


def _kind(file: Path) -> Kind:
    """What a file for a mapping is, by its first bytes."""
    start = head(file)
    if is_spread_json(start):
        raise BadInput(f"{file}: {detect.SPREAD_JSON}")
    return "parquet" if start.startswith(detect.PARQUET) else "json" if is_json(start) else "text"


FORMATS: dict[str, Format] = {
    detect.RAW: Format("iPinYou raw logs, seasons 2 and 3: imp and clk files, 24 columns, no header", _raw),
    detect.LOG_TXT: Format(
        "make-ipinyou-data *.log.txt: 27 or 29 columns, with a header or without",
        lambda path, options: LogTxt(_plain(path), options.nonclick_weight),
    ),
    detect.CSV: Format(
        "the cleaned iPinYou CSV: a header, 20 columns",
        lambda path, options: CleanedCsv(_plain(path), options.nonclick_weight),
    ),
    detect.CLICK_PRICE_PCTR: Format(
        "click price pctr text (rlb-dp, rtbarbitrage)",
        lambda path, options: ClickPricePctr(_plain(path), options.nonclick_weight),
    ),
    detect.YZX: Format("yzx text: click price index:value ...", _yzx),
    detect.YZBX: Format(
        "yzbx text: click price bid index:value ..., won and lost rows",
        lambda path, options: _yzx(path, options, Yzbx),
    ),
    detect.AUCTIONNET: Format("AuctionNet period CSV", lambda path, _: AuctionNet(_plain(path))),
    detect.MAPPED: Format("any CSV, JSON-lines or Parquet file, by a mapping", _mapped),
    detect.OWN: Format(
        "the auction log of jointbid run", lambda path, options: JointbidLog(_plain(path), options.seat)
    ),
}
