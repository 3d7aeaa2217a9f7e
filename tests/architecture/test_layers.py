"""The rules of the house that no linter knows: what pure modules, services and tables promise."""

import ast
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("registry", "audits", "governance")
FILES = [
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]


def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def test_every_module_that_calls_itself_pure_is_held_to_it():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = [contract for contract in contracts if contract["type"] == "forbidden"]
    held = tuple(pure["source_modules"])
    claimed = {
        ".".join(path.with_suffix("").parts)
        for path in FILES
        if (ast.get_docstring(tree(path)) or "").partition("\n")[0].rstrip().endswith(("Pure.", "Django-free."))
    }
    assert len(claimed) > 20
    assert {
        name for name in claimed if not any(name == module or name.startswith(f"{module}.") for module in held)
    } == set()


SERVICES = [path for path in FILES if "services" in path.parts and path.name != "__init__.py"]


ACTING = {
    "adopt",
    "assign",
    "create",
    "grant",
    "issue",
    "promote",
    "register",
    "remove",
    "request",
    "revise",
    "revoke",
    "roll",
}
ACTING |= {"sign", "store", "submit"}


@pytest.mark.parametrize("path", SERVICES, ids=str)
def test_who_acts_stands_first_and_everything_is_given_by_name(path):
    for function in tree(path).body:
        if isinstance(function, ast.FunctionDef) and function.name.partition("_")[0] in ACTING:
            assert not function.args.args, f"{function.name} takes arguments by position"
            assert function.args.kwonlyargs[0].arg == "actor", f"{function.name} acts for nobody"


def test_deleting_takes_nothing_with_it():
    """No table of ours loses a row because another one does: evidence is protected."""
    cascading = [
        f"{model.__name__}.{field.name}"
        for package in PACKAGES
        for model in apps.get_app_config(package).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.remote_field.on_delete is not models.PROTECT
    ]
    assert cascading == []


def test_no_table_can_be_written_past_the_services():
    assert not apps.is_installed("django.contrib.admin")
    with_signals = [path for path in FILES if "django.db.models.signals" in (ROOT / path).read_text()]
    assert with_signals == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_says_why_it_exists_and_stays_small(path):
    text = (ROOT / path).read_text()
    if text:
        assert ast.get_docstring(tree(path)), "no docstring"
    if path.name != "client.py":  # one file on purpose: CI jobs fetch it alone
        assert len(text.splitlines()) <= 400
    assert path.stem not in {"utils", "helpers", "common", "misc"}
