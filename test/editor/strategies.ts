/** Strategies that go wrong, each in its own way; the line that is to be marked ends with `# here`. */

const strategy = (name: string, body: string): string => `from dataclasses import dataclass

from nautilus_trader.model import Bar, BarType, InstrumentId
from nautilus_trader.trading import Strategy


@dataclass(frozen=True)
class ${name}Config:
    instrument_id: InstrumentId
    bar_type: BarType


class ${name}(Strategy):
    def __init__(self, config: ${name}Config) -> None:
        super().__init__(config)

    def on_start(self) -> None:
        self.subscribe_bars(self.config.bar_type)

${body}`;

/** Divides by zero at the first bar, two calls deep. */
export const RAISES = strategy(
  "Raises",
  `    def on_bar(self, bar: Bar) -> None:
        self.size(bar)

    def size(self, bar: Bar) -> float:
        return bar.close.as_double() / 0  # here
`,
);

/** Takes a few seconds until it raises. */
export const LATE = strategy(
  "Late",
  `    def on_bar(self, bar: Bar) -> None:
        time.sleep(0.005)
        self.bars = getattr(self, "bars", 0) + 1
        if self.bars == 800:
            raise RuntimeError("too late")  # here
`,
).replace("from dataclasses", "import time\nfrom dataclasses");

/** Never comes back from its first bar. */
export const LOOPS = strategy(
  "Loops",
  `    def on_bar(self, bar: Bar) -> None:
        while True:
            pass
`,
);

/** Runs, and trades nothing. */
export const WAITS = strategy(
  "Waits",
  `    def on_bar(self, bar: Bar) -> None:
        pass
`,
);

/** Names an instrument that the sample does not hold, though one that is spelt nearly alike. */
export const TYPO = `${WAITS.replaceAll("Waits", "Typo")}
OTHER = InstrumentId.from_str("APPL.XNAS")  # here
`;

/** Line, counted from 1, that a source marks. */
export const markedLine = (source: string): number => source.split("\n").findIndex((line) => line.endsWith("# here")) + 1;
