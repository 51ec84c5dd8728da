"""Governance service for AI media generation."""

import os

__version__ = "0.1.0"

# numpy looks when it is first imported. Our matrices are small: to wake a thread on every core for
# each costs up to thirty times what it saves.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
