"""The registry's part of the REST API: parse, authorise, call a service, render."""
