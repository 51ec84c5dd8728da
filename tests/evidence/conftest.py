"""A loaded machine is no failure: examples have no deadline."""

from hypothesis import settings

settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")
