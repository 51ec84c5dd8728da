"""HTTP for programs: parse, call, present."""
