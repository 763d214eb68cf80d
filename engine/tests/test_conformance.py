"""The engine answers as `contracts/openapi.json` says, whatever is sent: generated requests against a real engine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from live_engine import ENGINE, LiveEngine
from tino_engine.contracts import CALLS, ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.tmpdir import TempPathFactory

OPENAPI = json.loads((ENGINE.parent / "contracts" / "openapi.json").read_text())
schema = schemathesis.openapi.from_dict(OPENAPI)
# Ending the engine has its own tests; here it must survive. An object store would be looked for outside this machine.
tested = schema.exclude(path="/api/shutdown").exclude(path="/api/data/catalog", method="PUT")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: TempPathFactory) -> Iterator[LiveEngine]:
    with LiveEngine(tmp_path_factory.mktemp("home"), trusted=[ENGINE.parent / "examples"]) as live:
        for sample in ("usStocks", "sp500"):
            live.post(f"/api/data/sample?sample={sample}")
        # Reports are kept: the first one loads the exchange calendars, which takes long on a busy machine.
        live.get("/api/data/quality")
        yield live


def test_every_call_of_the_table_is_described() -> None:
    described = {(method.upper(), path) for path, methods in OPENAPI["paths"].items() for method in methods}
    assert described == {(call.method, call.path) for call in CALLS.values()}


# Schemathesis draws from `random` when it makes some of its invalid bodies; that is for Hypothesis and it to settle.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@tested.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))  # type: ignore[arg-type]
def test_every_reply_is_as_described(engine: LiveEngine, case: Any) -> None:
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {engine.token}"}
    response = case.call(base_url=f"http://127.0.0.1:{engine.port}", timeout=60)
    case.validate_response(response, checks=(not_a_server_error, content_type_conformance, response_schema_conformance))
    if response.status_code != 200:
        body = response.json()
        assert body["message"]
        assert body["hint"]
        assert ERRORS[body["code"]].http == response.status_code
        words = re.findall(r"\{\w+\}", ERRORS[body["code"]].message)
        assert not [word for word in words if word in body["message"]], "every word of the sentence is filled in"
