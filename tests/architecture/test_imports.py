"""What each process loads: heavy libraries belong to workers, Django to the service, nothing at all to the client."""

import subprocess
import sys

import pytest

HEAVY = (
    "pandas", "sklearn", "fairlearn", "shap", "matplotlib", "weasyprint", "numba", "scipy", "numpy", "pyarrow", "ibis",
    "duckdb", "sqlglot", "pyspark", "stdnum", "presidio_analyzer",
)  # fmt: skip

LOADED = f"""
import sys
loaded = sorted(name for name in {HEAVY!r} if name in sys.modules)
print("LOADED", *loaded)
"""


def loaded_after(program: str, tmp_path, **environment: str) -> list[str]:
    """Heavy libraries that a fresh process has loaded after running ``program``."""
    done = subprocess.run(
        [sys.executable, "-c", program + LOADED],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "COUNTERSIGN_DATA_DIR": str(tmp_path), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rsplit("LOADED", 1)[1].split()


WEB = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "governance.settings"
from governance.wsgi import application
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.test import Client
from registry.models import Person
person = Person.objects.create_user("ada", password="ada-passphrase-1")
client = Client()
assert client.get("/sign-in").status_code == 200
assert client.get("/health/ready").status_code == 200
assert client.get("/api/v1/schema").status_code == 200
assert client.get("/countersign.pyz").status_code == 200
assert client.get("/metrics").status_code == 200
client.force_login(person)
for page in ("/", "/models", "/policies", "/ledger", "/account", "/api/v1/models", "/api/v1/reviews"):
    assert client.get(page).status_code == 200, page
from django.urls import get_resolver
assert len(get_resolver().reverse_dict) > 20
"""


def test_the_web_process_loads_no_heavy_library(tmp_path):
    assert loaded_after(WEB, tmp_path) == []


@pytest.mark.parametrize(
    "program",
    [
        "import governance.client",
        "from governance.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass",
        "import countersign_verify",
        "import governance.policy_cli",
    ],
    ids=["client", "countersign --help", "verifier", "policy check"],
)
def test_the_client_loads_no_heavy_library_and_no_django(program, tmp_path):
    assert loaded_after(program + "\nimport sys\nassert 'django' not in sys.modules\n", tmp_path) == []


def test_the_client_imports_the_standard_library_only(tmp_path):
    program = "import sys\nbefore = set(sys.modules)\nimport governance.client\nnew = {name.partition('.')[0] for name in set(sys.modules) - before}\nassert new - set(sys.stdlib_module_names) <= {'governance'}, new\n"
    assert loaded_after(program, tmp_path) == []


def test_measuring_loads_what_it_needs_so_this_file_can_tell(tmp_path):
    assert "pandas" in loaded_after("import pandas", tmp_path)
