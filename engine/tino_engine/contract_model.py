"""The base of every generated contract model: frozen, strict, camelCase on the wire."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ContractModel(BaseModel):
    """One shape of `contracts/`.

    Unknown keys are ignored, so that an older reader understands a newer writer. Types are strict: text is never taken
    for a number, as in zod. Validators are built when a model is first used, since start-up uses only a few of them.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,
        protected_namespaces=(),
    )

    def to_json(self) -> bytes:
        """Give the model as it goes on the wire: every key present, `null` where there is nothing to say."""
        return self.model_dump_json().encode()
