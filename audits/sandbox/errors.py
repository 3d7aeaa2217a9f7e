"""What can go wrong in a sandbox, in words for people. Pure."""

from __future__ import annotations

from registry.errors import CountersignError


class SandboxUnavailable(CountersignError):
    """No sandbox works on this machine, so no model is run: the message says what is missing."""

    code = "sandbox-unavailable"


class ModelFailed(CountersignError):
    """The model, or what runs it, failed, answered nonsense, or took more than it may; the message says which."""

    code = "model-failed"
