"""A small local Azure Functions host: runs a Python v2 app with Durable Functions as it is, without Azure."""
