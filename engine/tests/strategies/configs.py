"""One strategy, configs of every kind; each says what it got."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge
from nautilus_trader.model import BarType, InstrumentId
from nautilus_trader.trading import Strategy, StrategyConfig


class Mode(Enum):
    CALM = "calm"
    WILD = "wild"


class Says(Strategy):
    """Says what is in its config, sorted by name."""

    names: tuple[str, ...] = ()

    def on_start(self) -> None:
        config = self.config
        for name in self.names:
            value = getattr(config, name)
            several = isinstance(value, list | tuple)
            self.log.info(f"{name}={type(value)(map(str, value)) if several else value}")
        self.log.info(type(config).__name__)


@dataclass(frozen=True)
class FrozenConfig:
    instrument_id: InstrumentId
    bar_type: BarType
    instruments: list[InstrumentId]
    bars: tuple[BarType, ...]
    count: Annotated[int, Ge(1)] = 3
    share: float = 0.5
    price: Decimal = Decimal("1.50")
    flag: bool = False
    name: str = "x"
    kind: Literal["slow", "fast"] = "slow"
    mode: Mode = Mode.CALM
    limit: int | None = None


class Frozen(Says):
    names = (
        "instrument_id",
        "bar_type",
        "instruments",
        "bars",
        "count",
        "share",
        "price",
        "flag",
        "name",
        "kind",
        "mode",
        "limit",
    )

    def __init__(self, config: FrozenConfig) -> None:
        super().__init__(config)


class PlainConfig:
    instrument_id: InstrumentId
    bar_type: BarType
    count: int = 3


class Plain(Says):
    names = ("instrument_id", "bar_type", "count")

    def __init__(self, config: PlainConfig) -> None:
        super().__init__(config)


class OwnConfig(StrategyConfig):
    instrument_id: InstrumentId
    bar_type: BarType
    count: int = 3
    order_id_tag: str = "777"


class Own(Says):
    names = ("instrument_id", "bar_type", "count", "order_id_tag")

    def __init__(self, config: OwnConfig) -> None:
        super().__init__(config)

    def on_start(self) -> None:
        super().on_start()
        self.log.info(str(self.strategy_id))


class BuiltConfig(StrategyConfig):
    def __init__(self, instrument_id: InstrumentId, count: int = 3) -> None:
        self.instrument_id = instrument_id
        self.twice = 2 * count


class Built(Says):
    names = ("instrument_id", "twice")

    def __init__(self, config: BuiltConfig) -> None:
        super().__init__(config)


class TupleConfig(NamedTuple):
    bar_type: BarType
    count: int = 3


class Tuple(Says):
    names = ("bar_type", "count")

    def __init__(self, config: TupleConfig) -> None:
        super().__init__(config)


@dataclass
class PairConfig:
    left: InstrumentId
    right: InstrumentId
    left_bars: BarType
    right_bars: BarType
    hedge: InstrumentId | None = None


class Pair(Says):
    names = ("left", "right", "left_bars", "right_bars", "hedge")

    def __init__(self, config: PairConfig) -> None:
        super().__init__(config)


class Bare(Says):
    """Has no config at all."""
