"""Who is asking, and the proof: agents, services, people.

`authenticate.authenticate` for every request, `replay.spend_nonce` with its effect; registries in
`agents` (with `documents` and `lineage`), `services`, `people`; signing in by `login`;
`expiry.purge_expired` now and then.
"""
