"""Automated review of prompts and of media. It reports what it saw; it decides nothing.

`prompt.load`, `prompt.screen_prompt`, `media.screen`, `report.as_body`.
"""
