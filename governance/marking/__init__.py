"""Writes marks into media, reads them back, and says which duties they meet.

`write.mark`, `read.read`, `read.vendor_marks`, `duties.unmet`, `probe.inspect`,
`configured.load`; bodies of the records in `bodies`.
"""
