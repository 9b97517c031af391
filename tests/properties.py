"""How many examples a property is tried on: a quarter of those that `--hypothesis-profile=wide` tries it on."""

from hypothesis import HealthCheck, settings

# Properties are held to what they say, not to how long an example takes: a busy machine takes its time.
for name, count in (("quick", 25), ("wide", 100)):
    settings.register_profile(name, max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def examples(wide: int) -> settings:
    """For a property with a number of its own."""
    return settings(max_examples=max(10, wide * settings().max_examples // 100))
