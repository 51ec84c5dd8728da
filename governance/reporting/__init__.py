"""Compliance evidence reports: a population of stories as a PDF/A-3 with its evidence attached."""

from governance.reporting.pdf import render
from governance.reporting.population import Population, ReportedStory, select
from governance.reporting.report import InclusionProof, ReportInput

__all__ = [
    "InclusionProof",
    "Population",
    "ReportInput",
    "ReportedStory",
    "render",
    "select",
]
