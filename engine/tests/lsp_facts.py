"""A small catalog and a few runs, as the engine tells them to the language host."""

from __future__ import annotations

from typing import Any

from tino_engine.contracts import RunSummary, SymbolList

MS_2000 = 946_933_200_000  # 2000-01-03T21:00:00Z, a close in New York
MS_2013 = 1_388_523_600_000  # 2013-12-31T21:00:00Z


def coverage(bar_type: str, bars: int = 3521) -> dict[str, Any]:
    instrument_id = bar_type.partition("-")[0]
    return {
        "barType": bar_type,
        "instrumentId": instrument_id,
        "bars": bars,
        "from": MS_2000,
        "to": MS_2013,
        "source": "Quandl *WIKI*",
        "hash": "0" * 64,
    }


def entry(
    instrument_id: str, *bar_types: str, name: str | None = None, zone: str = "America/New_York"
) -> dict[str, Any]:
    symbol, _, venue = instrument_id.rpartition(".")
    instrument = {
        "id": instrument_id,
        "symbol": symbol,
        "venue": venue,
        "assetClass": "equity",
        "name": name,
        "currency": "USD",
        "pricePrecision": 2,
        "priceIncrement": "0.01",
        "sizePrecision": 0,
        "lotSize": "1",
        "multiplier": "1",
        "timeZone": zone,
        "periodsPerYear": 252,
    }
    return {"instrument": instrument, "coverage": [coverage(bar_type) for bar_type in bar_types], "actions": []}


SYMBOLS: dict[str, Any] = {
    "symbols": [
        entry("AAPL.XNAS", "AAPL.XNAS-1-DAY-LAST-EXTERNAL", "AAPL.XNAS-1-MINUTE-LAST-EXTERNAL", name="Apple"),
        entry("MSFT.XNAS", "MSFT.XNAS-1-DAY-LAST-EXTERNAL"),
        entry("BRK.B.XNYS"),
        entry("ETHUSDT.BINANCE", "ETHUSDT.BINANCE-5-MINUTE-LAST-EXTERNAL", zone="UTC"),
    ]
}
NOTHING: dict[str, Any] = {"symbols": []}


def symbol_list(symbols: dict[str, Any] = SYMBOLS) -> SymbolList:
    return SymbolList.model_validate(symbols)


METRICS = [
    "totalReturn", "annualReturn", "volatility", "sharpe", "sortino", "calmar", "maxDrawdown", "maxDrawdownDays", "exposure",
    "turnover", "winRate", "profitFactor", "expectancy", "averageWin", "averageLoss", "fees", "netProfit", "finalEquity",
    "benchmarkReturn", "alpha", "beta",
]  # fmt: skip


def run(path: str, name: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """A finished run; `metrics` names the figures that are defined."""
    figures = {"totalReturn": 0.123, "sharpe": 0.714, "maxDrawdown": -0.081, "trades": 42} | more.pop("metrics", {})
    return {
        "id": f"run_{number:020d}",
        "status": "finished",
        "path": path,
        "name": name,
        "symbols": ["AAPL.XNAS"],
        "barTypes": ["AAPL.XNAS-1-DAY-LAST-EXTERNAL"],
        "from": "2000-01-01",
        "to": None,
        "parameters": {},
        "adjustment": "none",
        "origin": "vscode",
        "createdAt": 1,
        "startedAt": 1,
        "endedAt": 2,
        "progress": None,
        "metrics": {**dict.fromkeys(METRICS), "trades": 0, "longestLosingStreak": 0, **figures},
        "currency": "USD",
        "sparkline": [],
        "noTrades": None,
        "error": None,
        "codeHash": None,
        **more,
    }


def failed_run(path: str, name: str, number: int = 1) -> dict[str, Any]:
    error = {
        "code": "strategy_failed",
        "message": "Cross.on_bar raised ValueError: no.",
        "hint": "",
        "location": None,
        "traceback": [],
        "field": None,
    }
    return run(path, name, number, status="failed", error=error) | {"metrics": None}


def run_summary(data: dict[str, Any]) -> RunSummary:
    return RunSummary.model_validate(data)
