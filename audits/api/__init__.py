"""The audits' part of the REST API."""
