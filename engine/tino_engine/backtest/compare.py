"""Runs side by side: their figures, their parameters, what they rest on, and what makes them hard to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tino_engine.contracts import (
    METRICS,
    AssumptionComparison,
    Comparison,
    MetricComparison,
    ParameterComparison,
    RunSummary,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tino_engine.contracts import Run


def compare(runs: Sequence[Run]) -> Comparison:
    """Hold runs against the first of them. A run without a result takes part with its parameters alone."""
    return Comparison(
        runs=[RunSummary(**{name: getattr(run, name) for name in RunSummary.model_fields}) for run in runs],
        starting_equity=[_starting_equity(run) for run in runs],
        metrics=[_metric(name, [_figure(run, name) for run in runs]) for name in METRICS],
        parameters=_parameters(runs),
        assumptions=_assumptions(runs),
        same_code=[
            None if run.code_hash is None or runs[0].code_hash is None else run.code_hash == runs[0].code_hash
            for run in runs
        ],
        remarks=_remarks(runs),
    )


def _starting_equity(run: Run) -> float | None:
    metrics = run.metrics
    if metrics is None or metrics.final_equity is None or metrics.net_profit is None:
        return None
    return round(metrics.final_equity - metrics.net_profit, 8)


def _figure(run: Run, name: str) -> float | None:
    return None if run.metrics is None else run.metrics.model_dump(by_alias=True)[name]


def _metric(name: str, values: list[float | None]) -> MetricComparison:
    first = values[0]
    differences = [None if first is None or value is None else value - first for value in values]
    return MetricComparison(name=name, values=values, differences=differences)


def _parameters(runs: Sequence[Run]) -> list[ParameterComparison]:
    names = dict.fromkeys(name for run in runs for name in run.parameters)
    rows = []
    for name in names:
        values = [run.parameters.get(name) for run in runs]
        rows.append(ParameterComparison(name=name, values=values, differs=_differ(values)))
    return rows


def _assumptions(runs: Sequence[Run]) -> list[AssumptionComparison]:
    stated: list[dict[str, str]] = []
    for run in runs:
        own: dict[str, str] = {}
        for assumption in run.result.assumptions if run.result else ():
            # A label that comes more than once, such as one for each instrument, is told together.
            known = own.get(assumption.label)
            own[assumption.label] = assumption.value if known is None else f"{known}\n{assumption.value}"
        stated.append(own)
    labels = dict.fromkeys(label for own in stated for label in own)
    rows = []
    for label in labels:
        values = [own.get(label) for own in stated]
        rows.append(AssumptionComparison(label=label, values=values, differs=_differ(values)))
    return rows


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def _remarks(runs: Sequence[Run]) -> list[str]:
    remarks = [f"Run {run.id[-8:]} has no result: it is {run.status}." for run in runs if run.result is None]
    finished = [run for run in runs if run.result is not None]
    differences: list[tuple[str, Callable[[Run], object]]] = [
        ("The runs traded different instruments.", lambda run: sorted(run.symbols)),
        ("The runs saw bars of different types.", lambda run: sorted(run.bar_types)),
        (
            "The runs cover different periods.",
            lambda run: run.result and (run.result.first_bar_at, run.result.last_bar_at),
        ),
        ("Prices were adjusted in different ways.", lambda run: run.adjustment),
        ("The runs are in different currencies; amounts of money cannot be compared.", lambda run: run.currency),
        ("The runs started with different amounts; curves are drawn as growth.", _starting_equity),
        ("A year counts a different number of trading days.", lambda run: run.result and run.result.periods_per_year),
    ]
    for words, of in differences:
        if finished and _differ([of(run) for run in finished]):
            remarks.append(words)
    return remarks
