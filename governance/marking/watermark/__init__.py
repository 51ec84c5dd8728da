"""An invisible, inaudible 64-bit id in the samples themselves: survives re-encoding and edits."""
