"""Identifiers: a prefix, the time, and randomness, in lower-case base 32, so that sorting by id is sorting by time."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is taken for a digit."""


def _encode(number: int, length: int) -> str:
    return "".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(length)))


def new_id(prefix: str) -> str:
    """Make an identifier such as `run_01m3k…`: 10 characters of milliseconds, 16 of randomness, as in a ULID."""
    return f"{prefix}_{_encode(time.time_ns() // 1_000_000, 10)}{_encode(secrets.randbits(80), 16)}"
