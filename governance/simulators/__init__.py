"""Vendors over real HTTP, for tests and the demo. Imports nothing of the service."""
