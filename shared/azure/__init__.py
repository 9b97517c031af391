"""The gateway to Azure: the only place that makes SDK clients, paces them and checks scope before a write.

The SDKs are imported where a client is made: a cold start that only takes an event does not pay for them.
"""
