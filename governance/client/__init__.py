"""The client library: `signer.RequestSigner` signs requests, `client.GovernanceClient` calls.

The signer also serves as `auth` of the HTTP client that the official openai client is given.
"""
