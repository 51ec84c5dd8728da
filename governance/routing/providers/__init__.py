"""One file per vendor, or per kind of server."""
