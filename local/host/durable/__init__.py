"""The host's side of Durable Functions: replay, history, engine and the HTTP API that the client speaks."""
