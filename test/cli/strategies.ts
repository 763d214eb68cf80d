/** Strategies that do one thing each, right or wrong, for tests that run them. */

const head = (name: string) => `from dataclasses import dataclass
from nautilus_trader.model import Bar, BarType, InstrumentId
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class ${name}Config:
    instrument_id: InstrumentId
    bar_type: BarType
    length: int = 3


class ${name}(Strategy):
    def on_start(self) -> None:
        self.subscribe_bars(self.config.bar_type)

`;

export const STRATEGIES = {
  /** Raises on its first bar, at line 19. */
  raises: `${head("Raises")}    def on_bar(self, bar: Bar) -> None:
        missing = {}
        missing["key"]
`,
  /** Never comes back. */
  loops: `${head("Loops")}    def on_bar(self, bar: Bar) -> None:
        while True:
            pass
`,
  /** Looks and does nothing. */
  idles: `${head("Idles")}    def on_bar(self, bar: Bar) -> None:
        pass
`,
  two: `${head("First")}${head("Second").slice(head("Second").indexOf("@dataclass"))}`,
  broken: "class A(:\n",
};
