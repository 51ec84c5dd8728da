"""Governance service for AI media generation."""

__version__ = "0.1.0"
