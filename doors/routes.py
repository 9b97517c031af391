"""Where the HTTP doors are, below `/api`, and their query parameters."""

PROTECTION = "subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/{name}/protection"
PLAN = f"{PROTECTION}/plan"
OPENAPI = "openapi.json"

TARGETS_ONLY, CONFIRM = "targetsOnly", "confirm"
