"""The activities, one module each: they call Azure and return a typed result. All are idempotent and may be killed."""
