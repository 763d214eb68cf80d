"""How a file of bars is to be read, guessed from its beginning; whatever somebody chose instead is taken as it is.

A guess that would be wrong is worse than a question, so what no sign in the file speaks for is asked for: which column a price
is in, which instrument it is, how long a bar is.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

from tino_engine.contracts import ImportColumns, ImportLayout
from tino_engine.data.bar_type import seconds_of
from tino_engine.data.files import HEAD, guess_encoding, read_head
from tino_engine.data.rows import PRICES, UNITS, column_unknown, header_names, is_zone, open_parquet, read_instants
from tino_engine.errors import TinoError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tino_engine.contracts import ImportChoices, Instrument
    from tino_engine.data.files import SourceFile

SAMPLE_ROWS = 2_000

_NAMES = {
    "time": "timestamp datetime date/time gmttime localtime date time opentime unix datum ts index indexlevel0 unnamed0".split(),
    "clock": "time clock timeofday".split(),
    "open": "open o openprice bidopen first eröffnung".split(),
    "high": "high h highprice bidhigh max hoch".split(),
    "low": "low l lowprice bidlow min tief".split(),
    "close": "close c closeprice close/last bidclose last price schluss schlusskurs".split(),
    "volume": "volume vol v tickvolume tickvol totalvolume shares volumen".split(),
    "symbol": "symbol ticker sym instrument instrumentid code tic".split(),
}
"""What columns are called, in order of preference, without case, spaces and signs."""

_QUOTES = (
    "USDT",
    "USDC",
    "BUSD",
    "TUSD",
    "FDUSD",
    "USD",
    "EUR",
    "GBP",
    "JPY",
    "BTC",
    "ETH",
    "BNB",
    "CHF",
    "AUD",
    "CAD",
    "NZD",
)
_FIAT = frozenset("USD EUR GBP JPY CHF AUD CAD NZD SEK NOK DKK PLN CZK HUF SGD HKD ZAR MXN TRY CNH CNY INR".split())
_NOISE = re.compile(
    r"^(\d{4,}|\d{1,2}|\d+(s|sec|m|min|mins|h|hour|d|day|w|t)|[mhd]\d+|daily|hourly|weekly|monthly|minute|dat|ascii|mt|data|ohlcv?|"
    r"bars?|candles?|prices?|hist(ory|orical)?|quotes|spot|futures|intraday|adjusted|all|download)$",
    re.IGNORECASE,
)
"""Words of a file's name that name no instrument."""

_ISO = re.compile(r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|z|[+-]\d\d(:?\d\d)?)?)?$")
_CLOCK = re.compile(r"^\d{1,2}:\d\d(:\d\d)?(\s?[AaPp][Mm])?$")
_NUMBER = re.compile(r"^[$€£¥]?[+-]?\d[\d.,' ]*([eE][+-]?\d+)?$")


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file: names of its columns, and the first values of each, as they stand there."""

    names: list[str]
    values: dict[str, list[str]]
    encoding: str = "utf-8"
    delimiter: str = ","
    header: bool = True
    skip_lines: int = 0
    types: dict[str, pa.DataType] | None = None

    def first(self, count: int) -> list[dict[str, object]]:
        """Give the columns with their first values, for people."""
        return [{"name": name, "values": self.values[name][:count]} for name in self.names]


def read_sample(file: SourceFile, choices: ImportChoices) -> Sample:
    """Read the beginning of a file. Raises `import_file_unreadable`, `import_no_rows`, `import_layout_invalid`, `import_encoding`."""
    return _parquet_sample(file) if file.is_parquet else _csv_sample(file, choices)


def guess_layout(
    file: SourceFile,
    sample: Sample,
    choices: ImportChoices,
    known: Mapping[str, Instrument],
    more: Sequence[Sample] = (),
) -> ImportLayout:
    """Guess what was not chosen. `known` are the stored instruments by id; `more` are samples of further files of the same kind.

    Raises `import_column_unknown`, `import_layout_invalid`, `import_symbol_unknown`, `import_step_unknown`, `import_zones_mixed`.
    """
    columns = _guess_columns(file, sample, choices)
    prices = [_texts(sample, columns, role) for role in PRICES]
    decimal, thousands = _guess_numbers(sample, columns, choices, prices)
    time_format = choices.time_format or _guess_time_format(sample, columns)
    symbol = choices.symbol or None
    venue, name = choices.venue, _first_symbol(file, sample, columns, symbol)
    instrument = find_instrument(name, venue, known)
    if symbol is not None and "." not in symbol and instrument is not None and venue is None:
        symbol = instrument.id
    asset_class = choices.asset_class or (
        instrument.asset_class if instrument is not None else _guess_class(name.partition(".")[0])
    )
    currency = choices.currency or (instrument.currency if instrument else _guess_currency(name, asset_class))
    around_the_clock = asset_class != "equity"
    zone = choices.zone or (
        instrument.time_zone if instrument is not None else "UTC" if around_the_clock else "America/New_York"
    )
    if not is_zone(zone):
        raise TinoError("import_layout_invalid", field="choices.zone", reason=f"{zone} is not a time zone")
    every = [sample, *more]
    precision = max(
        _guess_precision(_texts(part, columns, role), decimal, thousands) for part in every for role in PRICES
    )
    size = max(_guess_precision(_texts(part, columns, "volume"), decimal, thousands) for part in every)
    stored = instrument.price_precision if instrument is not None else 0
    layout = ImportLayout(
        format="parquet" if file.is_parquet else "csv",
        encoding=sample.encoding,
        delimiter=sample.delimiter,
        decimal=decimal,
        thousands=thousands,
        header=sample.header,
        skip_lines=sample.skip_lines,
        columns=columns,
        time_format=time_format,
        zone=zone,
        stamp=choices.stamp or "open",
        day_close=choices.day_close or ("24:00" if around_the_clock else "16:00"),
        step=choices.step or "1-DAY",
        symbol=symbol,
        venue=venue or (instrument.venue if instrument is not None else "SIM"),
        asset_class=asset_class,
        currency=currency,
        price_precision=max(precision, 2, stored) if choices.price_precision is None else choices.price_precision,
        size_precision=(
            choices.size_precision
            if choices.size_precision is not None
            else max(min(size, 8), instrument.size_precision if instrument is not None else 0)
            if around_the_clock
            else 0
        ),
    )
    _check_format(layout)
    return layout if choices.step else layout.model_copy(update={"step": _guess_step(file, sample, layout)})


def symbol_of_name(file: SourceFile) -> str | None:
    """Guess the symbol of a file by its name: `BTCUSDT-1m-2021-01.csv` holds BTCUSDT."""
    words = [word for word in re.split(r"[_\-\s]+", file.stem) if word and not _NOISE.match(word)]
    word = next(
        (word for word in words if re.fullmatch(r"[A-Za-z0-9.^=]{1,24}", word) and re.search("[A-Za-z]", word)), None
    )
    return None if word is None else word.upper()


def find_instrument(name: str, venue: str | None, known: Mapping[str, Instrument]) -> Instrument | None:
    """Find the stored instrument that a file means by a symbol, if there is just one."""
    if name in known:
        return known[name]
    if venue is not None:
        return known.get(f"{name}.{venue}")
    same = [item for item in known.values() if item.symbol.upper() == name.upper()]
    return same[0] if len(same) == 1 else None


def instrument_id(name: str, layout: ImportLayout, known: Mapping[str, Instrument], *, venue_given: bool) -> str:
    """Give the instrument that a symbol of a file is: with its venue as it stands there, that of the stored one, or the layout's."""
    found = find_instrument(name, layout.venue if venue_given else None, known)
    if found is not None:
        return found.id
    symbol = name.strip().upper().replace("/", "")
    head, dot, venue = symbol.rpartition(".")
    return symbol if dot and head and re.fullmatch(r"[A-Z_]{2,12}", venue) else f"{symbol}.{layout.venue}"


# -- reading the beginning ---------------------------------------------------------------------------------------------


def _csv_sample(file: SourceFile, choices: ImportChoices) -> Sample:
    head = read_head(file)
    if not head.strip():
        raise TinoError("import_no_rows", path=file.name, reason=": it is empty")
    encoding = choices.encoding or guess_encoding(head)
    try:
        text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    except LookupError as error:
        raise TinoError(
            "import_layout_invalid", field="choices.encoding", reason=f"{encoding} is no encoding"
        ) from error
    if "\0" in text:
        raise TinoError("import_file_unreadable", field="paths", path=file.name, reason="it is not a text file")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if len(head) >= HEAD and len(lines) > 1:
        lines = lines[:-1]  # It may be cut.
    lines = lines[:SAMPLE_ROWS]
    delimiter = choices.delimiter or _guess_delimiter(lines)
    rows = [next(csv.reader([line.replace("\0", "")], delimiter=delimiter), []) for line in lines]
    usual = Counter(len(row) for row in rows if row).most_common(1)
    width = usual[0][0] if usual else 0
    skip = choices.skip_lines
    if skip is None:
        skip = next((index for index, row in enumerate(rows) if len(row) == width), 0)
    rows = [row for row in rows[skip:] if row]
    if not rows:
        raise TinoError("import_no_rows", path=file.name, reason="")
    header = choices.header if choices.header is not None else not any(_NUMBER.match(cell.strip()) for cell in rows[0])
    names = header_names(lines[skip + _blank(lines[skip:])], delimiter)
    if not header:
        names = [str(number) for number in range(1, len(names) + 1)]
    body = [row for row in (rows[1:] if header else rows) if len(row) == len(names)]
    values = {name: [row[place].strip() for row in body] for place, name in enumerate(names)}
    return Sample(names, values, encoding, delimiter, header, skip)


def _blank(lines: Sequence[str]) -> int:
    return next((index for index, line in enumerate(lines) if line.strip()), 0)


def _guess_delimiter(lines: Sequence[str]) -> str:
    best = (0, 0, ",")
    for delimiter in (",", ";", "\t", "|"):
        counts = Counter(line.count(delimiter) for line in lines[-200:] if line.strip())
        (fields, often) = counts.most_common(1)[0] if counts else (0, 0)
        best = max(
            best, (often if fields else 0, fields, delimiter), key=lambda item: (item[0] * min(item[1], 5), item[1])
        )
    return best[2]


def _parquet_sample(file: SourceFile) -> Sample:
    with open_parquet(file) as parquet:
        batch = next(parquet.iter_batches(SAMPLE_ROWS), None)
        schema = parquet.schema_arrow
    if batch is None or batch.num_rows == 0:
        raise TinoError("import_no_rows", path=file.name, reason=": it is empty")
    values = {name: ["" if value is None else str(value) for value in batch[name].to_pylist()] for name in schema.names}
    return Sample(list(schema.names), values, types={name: schema.field(name).type for name in schema.names})


# -- columns -----------------------------------------------------------------------------------------------------------


def _plain(name: str) -> str:
    return re.sub(r"[^a-zäöüß0-9/]", "", name.lower())


def _guess_columns(file: SourceFile, sample: Sample, choices: ImportChoices) -> ImportColumns:
    chosen = {role: getattr(choices, role) for role in (*PRICES, "time", "clock", "volume")}
    chosen["symbol"] = choices.symbol_column
    for role, name in chosen.items():
        if name is not None and name not in sample.names:
            raise column_unknown(file, role, name, sample.names)
    found = _by_name(sample) if sample.header or sample.types else {}
    if "time" not in found or "close" not in found:
        found = _by_content(sample) | found
    found |= {role: name for role, name in chosen.items() if name is not None}
    for role in ("open", "high", "low"):
        # A file of closes alone: bars without a range.
        found.setdefault(role, found.get("close", ""))
    for role in ("time", "close"):
        if not found.get(role):
            raise column_unknown(file, role, role, sample.names)
    return ImportColumns(**{role: found.get(role) for role in ImportColumns.model_fields})  # type: ignore[arg-type]


def _by_name(sample: Sample) -> dict[str, str]:
    plain = {_plain(name): name for name in reversed(sample.names)}
    found: dict[str, str] = {}
    for role, words in _NAMES.items():
        name = next((plain[word] for word in words if word in plain and plain[word] not in found.values()), None)
        if name is None and role == "volume":
            name = next((name for name in sample.names if _plain(name).startswith("volume")), None)
        if name is not None:
            found[role] = name
    clock = found.get("clock")
    if clock is not None and not _looks_like_clock(sample.values[clock]):
        del found["clock"]
    return found


def _by_content(sample: Sample) -> dict[str, str]:
    """The first column of times, a column of clock times after it, then prices and volume in their usual order."""
    found: dict[str, str] = {}
    numbers: list[str] = []
    for name in sample.names:
        values = [value for value in sample.values[name][:50] if value]
        if "time" not in found:
            if values and _format_of(values) is not None:
                found["time"] = name
        elif "clock" not in found and not numbers and _looks_like_clock(values):
            found["clock"] = name
        elif values and all(_NUMBER.match(value) for value in values):
            numbers.append(name)
    if len(numbers) >= 4:
        found |= dict(zip((*PRICES, "volume"), numbers, strict=False))
    return found


def _looks_like_clock(values: Sequence[str]) -> bool:
    given = [value for value in values[:50] if value]
    return bool(given) and all(_CLOCK.match(value) or re.fullmatch(r"\d{6}", value) for value in given)


# -- numbers -----------------------------------------------------------------------------------------------------------


def _texts(sample: Sample, columns: ImportColumns, role: str) -> list[str]:
    name = getattr(columns, role)
    return [] if name is None else sample.values.get(name, [])


def _guess_numbers(
    sample: Sample, columns: ImportColumns, choices: ImportChoices, prices: Sequence[Sequence[str]]
) -> tuple[Literal[".", ","], str | None]:
    texts = [text for column in prices for text in column[:200]]
    decimal = choices.decimal
    if decimal is None:
        with_comma = [text for text in texts if "," in text]
        as_decimal = [text for text in with_comma if re.fullmatch(r"[+-]?[\d.']*,\d+", text)]
        grouped = [text for text in with_comma if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text)]
        decimal = "," if with_comma and len(as_decimal) == len(with_comma) and len(grouped) < len(with_comma) else "."
    if choices.thousands is not None:
        return decimal, choices.thousands or None
    other = "." if decimal == "," else ","
    every = [*texts, *_texts(sample, columns, "volume")[:200]]
    for sign in (other, "'", " "):
        if any(re.search(rf"\d{re.escape(sign)}\d{{3}}(\D|$)", text) for text in every):
            return decimal, sign
    return decimal, None


def _guess_precision(texts: Sequence[str], decimal: str, thousands: str | None) -> int:
    """Decimals that a column has; of numbers that went through a float32 those that are meant, and not more than twelve."""
    most = 0
    for text in set(texts):
        number = text.lstrip("$€£¥ ")
        number = number.replace(thousands, "") if thousands else number
        number = number.replace(",", ".") if decimal == "," else number
        if not re.fullmatch(r"[+-]?\d+(\.\d*)?", number):
            try:
                number = f"{Decimal(number):f}"  # 1e-05, or no number at all.
            except (InvalidOperation, ValueError):
                continue
        whole, _, fraction = number.partition(".")
        fraction = fraction.rstrip("0")
        if len(fraction) > 9 or (fraction and len(whole) + len(fraction) > 12):
            most = max(most, _meant_places(float(number)))
        else:
            most = max(most, len(fraction))
    return min(most, 9)


def _meant_places(value: float) -> int:
    for places in range(10):
        if abs(round(value, places) - value) <= abs(value) * 2.0**-24:
            return places
    return 9


# -- times -------------------------------------------------------------------------------------------------------------


def _guess_time_format(sample: Sample, columns: ImportColumns) -> str:
    type_ = (sample.types or {}).get(columns.time)
    if type_ is not None and (pa.types.is_temporal(type_)):
        return "iso"
    texts = [text for text in _texts(sample, columns, "time") if text]
    if columns.clock is not None:
        clocks = _texts(sample, columns, "clock")
        texts = [f"{text} {clock}" for text, clock in zip(texts, clocks, strict=False) if clock]
    return _format_of(texts) or "iso"


def _format_of(texts: Sequence[str]) -> str | None:
    """Guess the format that most of these texts have; None when they are no times."""
    given = [text for text in texts if text][:500]
    if not given:
        return None
    if sum(1 for text in given if _ISO.match(text)) * 2 > len(given):
        return "iso"
    if all(re.fullmatch(r"\d+(\.\d+)?", text) for text in given):
        whole = [text.partition(".")[0] for text in given]
        length = Counter(len(text) for text in whole).most_common(1)[0][0]
        if length == 8 and given[0][:2] in ("19", "20"):
            return "%Y%m%d"
        if length == 14 and given[0][:2] in ("19", "20"):
            return "%Y%m%d%H%M%S"
        if length == 12 and given[0][:2] in ("19", "20"):
            return "%Y%m%d%H%M"
        return {9: "seconds", 10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}.get(length)
    day, rest = _day_pattern(given)
    if day is None:
        return None
    tail = next((text for text in rest if text), "")
    if not tail:
        return day
    clock = _clock_pattern(tail.lstrip(" T,;"))
    return None if clock is None else day + tail[: len(tail) - len(tail.lstrip(" T,;"))] + clock


def _day_pattern(texts: Sequence[str]) -> tuple[str | None, list[str]]:
    """Guess how days are written, and give what stands behind them."""
    compact = [match for text in texts if (match := re.match(r"((?:19|20)\d{6})(?=[ T,;])(.*)", text))]
    if len(compact) * 2 > len(texts):
        return "%Y%m%d", [match[2] for match in compact]
    named = [match for text in texts if (match := re.match(r"\d{1,2}([- ])[A-Za-z]{3}\1(\d{4}|\d\d)(.*)", text))]
    if len(named) * 2 > len(texts):
        return f"%d{named[0][1]}%b{named[0][1]}{'%Y' if len(named[0][2]) == 4 else '%y'}", [match[3] for match in named]
    english = [match for text in texts if (match := re.match(r"[A-Za-z]{3} \d{1,2}, \d{4}(.*)", text))]
    if len(english) * 2 > len(texts):
        return "%b %d, %Y", [match[1] for match in english]
    first = [match for text in texts if (match := re.match(r"(\d{4})([./-])(\d{1,2})\2(\d{1,2})(.*)", text))]
    if len(first) * 2 > len(texts):
        sign = first[0][2]
        return f"%Y{sign}%m{sign}%d", [match[5] for match in first]
    last = [match for text in texts if (match := re.match(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)(?!\d)(.*)", text))]
    if len(last) * 2 <= len(texts):
        return None, []
    sign = last[0][2]
    over_12 = [max(int(match[place]) for match in last) > 12 for place in (1, 3)]
    # Where no day is above 12: points are written by those who put the day first, slashes by those who put the month.
    day_first = over_12[0] or (not over_12[1] and sign != "/")
    year = "%Y" if len(last[0][4]) == 4 else "%y"
    return (f"%d{sign}%m{sign}{year}" if day_first else f"%m{sign}%d{sign}{year}"), [match[5] for match in last]


def _clock_pattern(text: str) -> str | None:
    if re.fullmatch(r"\d{6}", text):
        return "%H%M%S"
    match = re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?(\s?)([AaPp][Mm])?", text)
    if match is None:
        return None
    seconds = ":%S" if match[1] else ""
    return f"%I:%M{seconds}{match[2]}%p" if match[3] else f"%H:%M{seconds}"


def _check_format(layout: ImportLayout) -> None:
    known = layout.time_format in ("iso", *UNITS)
    if not known and not re.search(r"%[YymdbHIs]", layout.time_format):
        reason = f"{layout.time_format} is no format of times"
        raise TinoError("import_layout_invalid", field="choices.timeFormat", reason=reason)
    try:
        seconds_of(layout.step)
    except ValueError as error:
        raise TinoError("import_layout_invalid", field="choices.step", reason=str(error)) from error


def _guess_step(file: SourceFile, sample: Sample, layout: ImportLayout) -> str:
    """Guess by the commonest distance between neighbouring times of one symbol."""
    columns = layout.columns
    rows = range(len(sample.values[columns.time]))
    if columns.symbol is not None:
        symbols = sample.values[columns.symbol]
        common = Counter(symbols).most_common(1)[0][0]
        rows = [row for row in rows if symbols[row] == common]
    texts = [sample.values[columns.time][row] for row in rows]
    clocks = None if columns.clock is None else [sample.values[columns.clock][row] for row in rows]
    times = np.unique(read_instants(texts, clocks, file, layout))
    gaps = Counter(int(after - before) for before, after in pairwise(times.astype("datetime64[s]").astype(np.int64)))
    gaps.pop(0, None)
    if not gaps:
        raise TinoError("import_step_unknown", field="choices.step", path=file.name)
    step = _step_of(gaps.most_common(1)[0][0])
    if step is None:
        raise TinoError("import_step_unknown", field="choices.step", path=file.name)
    return step


def _step_of(seconds: int) -> str | None:
    # An hour more or less: daily bars across a change of the clock.
    days = round(seconds / 86_400)
    if days and abs(seconds - days * 86_400) <= 3_600:
        return "1-DAY" if days <= 4 else "1-WEEK" if days == 7 else "1-MONTH" if 28 <= days <= 31 else None
    for size, unit in ((3_600, "HOUR"), (60, "MINUTE"), (1, "SECOND")):
        if seconds % size == 0:
            step = f"{seconds // size}-{unit}"
            try:
                seconds_of(step)
            except ValueError:
                return None
            return step
    return None


# -- instruments -------------------------------------------------------------------------------------------------------


def _first_symbol(file: SourceFile, sample: Sample, columns: ImportColumns, symbol: str | None) -> str:
    if symbol is not None:
        return symbol
    if columns.symbol is not None:
        found = next((text for text in sample.values[columns.symbol] if text), None)
    else:
        found = symbol_of_name(file)
    if found is None:
        raise TinoError("import_symbol_unknown", field="choices.symbol", path=file.name)
    return found


def _pair(symbol: str) -> tuple[str, str] | None:
    """Read a symbol as a pair: what is traded, and what it is paid with."""
    plain = symbol.upper()
    if match := re.fullmatch(r"([A-Z0-9]{2,10})[/\-_]([A-Z0-9]{2,6})", plain):
        return match[1], match[2]
    quote = next((quote for quote in _QUOTES if plain.endswith(quote) and len(plain) - len(quote) >= 3), None)
    return None if quote is None or len(plain) < 6 else (plain.removesuffix(quote), quote)


def _guess_class(symbol: str) -> Literal["equity", "crypto", "fx"]:
    pair = _pair(symbol)
    if pair is None:
        return "equity"
    return "fx" if pair[0] in _FIAT and pair[1] in _FIAT else "crypto"


def _guess_currency(name: str, asset_class: str) -> str:
    pair = _pair(name.partition(".")[0])
    return pair[1] if pair is not None and asset_class != "equity" else "USD"
