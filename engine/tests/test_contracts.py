"""Golden messages must get the same verdict in both languages: here by pydantic, in `test/contracts/samples.test.ts` by zod."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tino_engine import contracts

SAMPLES = [
    samples
    for path in sorted((Path(__file__).parents[2] / "contracts" / "samples").glob("*.json"))
    if "python" in (samples := json.loads(path.read_text())).get("languages", ["python"])
]


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(samples["schema"], sample, id=f"{samples['schema']}-{index}")
        for samples in SAMPLES
        for index, sample in enumerate(samples[kind])
    ]


def adapter(schema: str) -> TypeAdapter[Any]:
    return TypeAdapter(getattr(contracts, schema))


@pytest.mark.parametrize(("schema", "value"), cases("valid"))
def test_takes_what_is_valid_and_what_it_makes_of_it(schema: str, value: object) -> None:
    type_ = adapter(schema)
    parsed = type_.validate_json(json.dumps(value))
    assert type_.validate_json(type_.dump_json(parsed)) == parsed


@pytest.mark.parametrize(("schema", "sample"), cases("invalid"))
def test_refuses_what_is_invalid(schema: str, sample: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        adapter(schema).validate_json(json.dumps(sample["value"]))


def test_some_samples_were_found() -> None:
    assert len(SAMPLES) > 20
