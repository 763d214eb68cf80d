"""HTTP and WebSocket views of the engine. Routers map a call of `contracts/api.ts` to a domain; no logic lives here."""
