"""The host's side of Durable Functions: replay, history, engine and the HTTP API of the client."""
