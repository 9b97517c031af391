"""The routes of the HTTP triggers, below `/api`, and their query parameters."""

PROTECTION = "subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/{name}/protection"
PLAN = f"{PROTECTION}/plan"
PROTECTIONS = "protections"
BATCH = f"{PROTECTIONS}/{{batch}}"
PROTECTIONS_PLAN = f"{PROTECTIONS}/plan"
COMPLIANCE = "compliance"
JOBS = "jobs"
OPENAPI = "openapi.json"

TARGETS_ONLY, CONFIRM = "targetsOnly", "confirm"
