"""Telling others: webhooks that leave this service, with their signatures, retries and log."""
