"""Two variations of one idea, with data and without."""

from dataclasses import dataclass
from decimal import Decimal

from lib.base import Base
from nautilus_trader.model import BarType


@dataclass(frozen=True)
class MomentumConfig:
    bar_type: BarType
    invest: Decimal = Decimal(1000)


class Momentum(Base):
    def __init__(self, config: MomentumConfig):
        super().__init__(config)

    def on_bar(self, bar): ...
