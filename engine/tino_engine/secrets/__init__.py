"""Keys of providers: their names in the database, their values in the system's keychain and in memory, nowhere else."""

from tino_engine.secrets.keys import Keychain, Keys, MemoryKeychain, SystemKeychain, find_keychain

__all__ = ["Keychain", "Keys", "MemoryKeychain", "SystemKeychain", "find_keychain"]
