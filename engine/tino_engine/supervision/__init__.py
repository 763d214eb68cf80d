"""One engine per user: exclusive, provable, and gone when nobody needs it. See `handshake` for how it starts and `lease` for when it ends."""
