"""Pages for people: `routes.router(backend)` serves them to a `backend.WebBackend`."""
