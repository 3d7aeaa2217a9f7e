"""The governance part of the REST API, and the addresses of the whole."""
