"""The words and the limit of what may be asked of a drill."""

LATEST, LATEST_PROCESSED, APP_CONSISTENT = "latest", "latestProcessed", "appConsistent"
"""What a recovery point may be called besides its ID: none named, the newest listed, the newest of that type."""

CREATE = "create"
"""What the network may be besides an ID: one that the app makes for each target network."""

LONGEST_KEEP = 24 * 60
"""The most minutes that a test VM is kept."""
