"""Where keys are kept.

The value goes into the keychain of the system (macOS Keychain, Windows Credential Locker, Secret Service on Linux, by way of the
library keyring) and is read from it when a download needs it. The database has its name and when it was set. A system without a
keychain, such as a server without a desktop, keeps it in the engine's memory until the engine ends, and says so: a file that only
looks locked would be worse.

A keychain may ask the user, and may hang while it does: it is spoken to on a thread, with an end.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import select

from tino_engine import log
from tino_engine.contracts import Key, KeyList
from tino_engine.errors import TinoError
from tino_engine.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tino_engine.ledger import Database, Writer

logger = log.get("secrets")
PATIENCE_SECONDS = 60.0
"""How long a keychain may take: it may be waiting for a password."""
SERVICE = "tino"


class Keychain(Protocol):
    """Somewhere to keep secrets by name."""

    kept: str
    """`keychain` or `memory`."""

    def get(self, name: str) -> str | None:
        """Give a value."""
        ...

    def set(self, name: str, value: str) -> None:
        """Keep a value."""
        ...

    def remove(self, name: str) -> None:
        """Forget a value; nothing happens when there is none."""
        ...


class MemoryKeychain:
    """Keeps them until the engine ends."""

    kept = "memory"

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        """Give a value."""
        return self._values.get(name)

    def set(self, name: str, value: str) -> None:
        """Keep a value."""
        self._values[name] = value

    def remove(self, name: str) -> None:
        """Forget a value."""
        self._values.pop(name, None)


class SystemKeychain:
    """The system's own; each home of tino has its own entries."""

    kept = "keychain"

    def __init__(self, home: str) -> None:
        self._service = f"{SERVICE} {home}"

    def get(self, name: str) -> str | None:
        """Give a value."""
        import keyring  # noqa: PLC0415 - it looks for backends, which an engine that needs no key need not

        return keyring.get_password(self._service, name)

    def set(self, name: str, value: str) -> None:
        """Keep a value."""
        import keyring  # noqa: PLC0415 - as above

        keyring.set_password(self._service, name, value)

    def remove(self, name: str) -> None:
        """Forget a value."""
        import keyring  # noqa: PLC0415 - as above
        from keyring.errors import PasswordDeleteError  # noqa: PLC0415 - as above

        try:
            keyring.delete_password(self._service, name)
        except PasswordDeleteError:
            logger.info("key_was_gone", name=name)


def find_keychain(home: str) -> Keychain:
    """Give the system's keychain, or memory where there is none, or where `TINO_KEYCHAIN=memory` asks for it. May take a while."""
    if os.environ.get("TINO_KEYCHAIN") == "memory":
        return MemoryKeychain()
    import keyring  # noqa: PLC0415 - as above
    from keyring.backends import fail, null  # noqa: PLC0415 - as above

    backend = keyring.get_keyring()
    if isinstance(backend, (fail.Keyring, null.Keyring)) or backend.priority <= 0:
        return MemoryKeychain()
    return SystemKeychain(home)


class Keys:
    """The keys that are set."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        now_ms: Callable[[], int],
        find: Callable[[], Keychain],
    ) -> None:
        """`find` gives the keychain, on a thread, when it is first needed."""
        self._database = database
        self._writer = writer
        self._now_ms = now_ms
        self._find = find
        self._keychain: Keychain | None = None
        self._finding = asyncio.Lock()

    async def list(self) -> KeyList:
        """List the keys that are set, in order of name. One whose value was forgotten with an engine is not."""
        keychain = await self._get_keychain()
        rows = await self._database.read(_load)
        if isinstance(keychain, MemoryKeychain):
            rows = [(name, at) for name, at in rows if keychain.get(name) is not None]
        return KeyList(keys=[Key(name=name, kept=keychain.kept, set_at=at) for name, at in rows])  # type: ignore[arg-type]

    async def names(self) -> set[str]:
        """Give the names of the keys that are set."""
        return {key.name for key in (await self.list()).keys}

    async def get(self, name: str) -> str | None:
        """Give the value of a key, if it is set. Raises `keychain_failed`."""
        if name not in await self.names():
            return None
        keychain = await self._get_keychain()
        return await self._ask(lambda: keychain.get(name))

    async def set(self, name: str, value: str) -> KeyList:
        """Keep a key. Raises `keychain_failed`."""
        keychain = await self._get_keychain()
        await self._ask(lambda: keychain.set(name, value.strip()))
        at = self._now_ms()
        await self._writer.write(lambda connection: _put(connection, name, at), "key set")
        logger.info("key_set", name=name, kept=keychain.kept)
        return await self.list()

    async def remove(self, name: str) -> KeyList:
        """Forget a key. Raises `key_not_found`, `keychain_failed`."""
        if name not in await self.names():
            raise TinoError("key_not_found", name=name)
        keychain = await self._get_keychain()
        await self._ask(lambda: keychain.remove(name))
        held = tables.keys
        await self._writer.write(
            lambda connection: connection.execute(held.delete().where(held.c.name == name)), "key removed"
        )
        logger.info("key_removed", name=name)
        return await self.list()

    async def _get_keychain(self) -> Keychain:
        async with self._finding:
            if self._keychain is None:
                self._keychain = await self._ask(self._find)
            return self._keychain

    async def _ask[Result](self, ask: Callable[[], Result]) -> Result:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.to_thread(ask)
        except TimeoutError as error:
            raise TinoError("keychain_failed", reason=f"no answer for {PATIENCE_SECONDS:.0f} s") from error
        except Exception as error:
            # Backends raise what their systems do; no value is ever part of it.
            logger.warning("keychain_failed", kind=type(error).__name__)
            raise TinoError("keychain_failed", reason=type(error).__name__) from error


def _load(connection: Connection) -> list[tuple[str, int]]:
    held = tables.keys
    return [(row.name, row.set_at) for row in connection.execute(select(held).order_by(held.c.name))]


def _put(connection: Connection, name: str, at: int) -> None:
    held = tables.keys
    if not connection.execute(held.update().where(held.c.name == name).values(set_at=at)).rowcount:
        connection.execute(held.insert().values(name=name, set_at=at))
