"""Azure Resource Manager: the clients of the process, and all that stands between a call and Azure.

Auth, pipeline, rate limit, caches, get-or-create, write guard, translation of errors, senders. Parses fields, and no
resource of a type: a reader of one goes to `readers/`, Site Recovery to `site_recovery/`. The SDKs are imported where a
client is made: a cold start that only takes an event does not pay for them.
"""
