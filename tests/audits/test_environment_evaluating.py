"""``evaluate environment``: recorded packages against what runs, and reports of vulnerabilities against the record."""

from __future__ import annotations

import json
import time

import pytest

from audits.evaluate import evaluate
from audits.evaluate_cli import main
from audits.measures.environment.coverage import cover
from audits.measures.environment.findings import Scan, Vulnerability, merged
from audits.measures.environment.requirements import Package, read_packages
from audits.measures.environment.running import compare_packages, compare_python
from audits.measures.environment.scan_reports import MOST_BYTES, read_scan
from audits.measures.environment.severity import base_score, of_score, of_word
from registry.canonical import canonical_json
from registry.errors import InvalidInput

REQUIREMENTS = b"""# made by hand
--index-url https://packages.example/simple
Flask_SQLAlchemy==3.1.1 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
numpy >= 1.26, < 3   # a range
pandas[excel,parquet]==2.2.3 ; python_version >= "3.9"
pywin32==306 ; sys_platform == "win32"
torch==2.4.0+cpu
scipy==1.13.*
tool @ https://files.example/tool-1.0.tar.gz
"""


def packages(text, name="requirements.txt"):
    return {package.name: package for package in read_packages(text, name).packages}


def test_requirements_are_read_as_pip_reads_them():
    found = packages(REQUIREMENTS)
    assert {name: package.version for name, package in found.items()} == {
        "flask-sqlalchemy": "3.1.1", "numpy": "", "pandas": "2.2.3", "pywin32": "306", "torch": "2.4.0+cpu",
        "scipy": "", "tool": "",
    }  # fmt: skip
    assert read_packages(REQUIREMENTS, "r.txt").unread == ("line 2: --index-url https://packages.example/simple",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('version = 1\n[[package]]\nname = "Numpy"\nversion = "2.1.3"\nsource = { registry = "r" }\n', "uv.lock"),
        ('[[package]]\nname = "numpy"\nversion = "2.1.3"\ndescription = "x"\noptional = false\n', "poetry.lock"),
        ('lock-version = "1.0"\n[[packages]]\nname = "numpy"\nversion = "2.1.3"\n', "pylock.toml"),
    ],
)
def test_lock_files_are_read(text, name):
    own = '[[package]]\nname = "credit"\nversion = "0.1"\nsource = { virtual = "." }\n' if name == "uv.lock" else ""
    found = packages((text + own).encode(), name)
    assert {key: package.version for key, package in found.items()} == {"numpy": "2.1.3"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"numpy==\n", "line 1: 'numpy==' is no requirement"),
        (b"\n\nfoo bar\n", "line 3"),
        (b"numpy==1.0\nnumpy==2.0\n", "numpy is recorded twice: ==1.0 and ==2.0"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named(text, says):
    with pytest.raises(InvalidInput, match=says):
        read_packages(text, "requirements.txt")


def test_every_package_gets_its_state():
    running = {
        "flask-sqlalchemy": "3.1.1",
        "numpy": "2.4.0",
        "pandas": "2.2.2",
        "torch": "2.4.0+cu121",
        "scipy": "1.13.1",
    }
    states = {row.name: row.state for row in compare_packages([*packages(REQUIREMENTS).values()], running)}
    assert states == {
        "flask-sqlalchemy": "same", "numpy": "not pinned", "pandas": "other version", "pywin32": "not for this machine",
        "torch": "other version", "scipy": "not pinned", "tool": "absent",
    }  # fmt: skip
    assert compare_packages([Package(name="torch", version="2.4.0")], running)[0].state == "same"
    assert compare_packages([Package(name="numpy", allowed="<2")], running)[0].state == "other version"


@pytest.mark.parametrize(
    ("recorded", "state"),
    [("3.11", "same"), ("3.11.7", "same"), ("3.1", "other version"), (">=3.10", "same"), ("3.12", "other version")],
)
def test_python_is_held_to_what_is_recorded(recorded, state):
    assert compare_python(recorded, "3.11.7").state == state


@pytest.mark.parametrize(
    ("vector", "score"),
    [  # published by the National Vulnerability Database, and the examples of the specification
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),  # CVE-2021-44228
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),  # CVE-2019-0708
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),  # CVE-2014-0160
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),  # CVE-2013-1937
        ("CVSS:3.0/AV:L/AC:H/PR:L/UI:N/S:C/C:H/I:N/A:N", 5.6),  # CVE-2017-5754
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),  # CVE-2014-3566
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", None),
    ],
)
def test_base_scores_are_the_published_ones(vector, score):
    assert base_score(vector) == score


def test_levels_are_those_of_cvss():
    assert [of_score(score) for score in (9.0, 8.9, 7.0, 6.9, 4.0, 3.9, 0.1, 0.0, None, 11.0)] == [
        "critical", "high", "high", "medium", "medium", "low", "low", "none", "unknown", "unknown",
    ]  # fmt: skip
    assert [of_word(word) for word in ("CRITICAL", "Moderate", "Negligible", "whatever")] == [
        "critical", "medium", "low", "unknown",
    ]  # fmt: skip


PIP_AUDIT = {
    "dependencies": [
        {
            "name": "Jinja2",
            "version": "2.4.1",
            "vulns": [{"id": "PYSEC-2014-8", "aliases": ["CVE-2014-0012", "GHSA-1"], "fix_versions": ["2.7.2"]}],
        },
        {"name": "numpy", "version": "2.1.3", "vulns": []},
        {"name": "credit", "skip_reason": "not found on the index"},
    ],
    "fixes": [],
}
OSV = {
    "results": [
        {
            "source": {"path": "requirements.txt", "type": "lockfile"},
            "packages": [
                {
                    "package": {"name": "jinja2", "version": "2.4.1", "ecosystem": "PyPI"},
                    "vulnerabilities": [
                        {
                            "id": "GHSA-1",
                            "aliases": ["CVE-2014-0012"],
                            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],
                            "affected": [
                                {
                                    "package": {"name": "jinja2", "ecosystem": "PyPI"},
                                    "ranges": [
                                        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.7.2"}]},
                                        {"type": "GIT", "events": [{"fixed": "abcdef"}]},
                                    ],
                                }
                            ],
                        },
                        {"id": "PYSEC-9", "database_specific": {"severity": "LOW"}},
                    ],
                    "groups": [{"ids": ["PYSEC-9"], "aliases": [], "max_severity": "9.1"}],
                },
                {"package": {"name": "numpy", "version": "2.1.3", "ecosystem": "PyPI"}},
            ],
        }
    ]
}
GRYPE = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-1",
                "severity": "High",
                "cvss": [{"version": "3.1", "metrics": {"baseScore": 7.5}}],
                "fix": {"versions": ["2.7.2"], "state": "fixed"},
            },
            "relatedVulnerabilities": [{"id": "CVE-2014-0012"}],
            "artifact": {"name": "Jinja2", "version": "2.4.1", "type": "python", "purl": "pkg:pypi/jinja2@2.4.1"},
        }
    ],
    "descriptor": {"name": "grype", "version": "0.80", "timestamp": "2026-11-01T08:00:00.123456789Z"},
}
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "metadata": {"timestamp": "2026-11-01T08:00:00Z"},
    "components": [
        {"type": "library", "bom-ref": "j", "name": "Jinja2", "version": "2.4.1", "purl": "pkg:pypi/jinja2@2.4.1"},
        {"type": "library", "bom-ref": "n", "name": "numpy", "version": "2.1.3", "purl": "pkg:pypi/numpy@2.1.3"},
    ],
    "vulnerabilities": [
        {
            "id": "CVE-2014-0012",
            "references": [{"id": "GHSA-1"}],
            "ratings": [{"score": 7.5, "severity": "high", "method": "CVSSv31"}],
            "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#j"}],
            "analysis": {"state": "not_affected"},
        }
    ],
}
FORMS = {"pip-audit": PIP_AUDIT, "OSV-Scanner": OSV, "Grype": GRYPE, "CycloneDX": CYCLONEDX}


@pytest.mark.parametrize("tool", FORMS)
def test_each_tool_tells_the_same_hole(tool):
    scan = read_scan(json.dumps(FORMS[tool]).encode(), "report.json")
    assert scan.tool == tool
    assert ("jinja2", "2.4.1") in scan.looked_at
    assert (("numpy", "2.1.3") in scan.looked_at) == (tool != "Grype")
    hole = next(item for item in merged(scan.vulnerabilities) if item.id == "CVE-2014-0012")
    assert (hole.package, hole.version) == ("jinja2", "2.4.1")
    assert "GHSA-1" in hole.aliases
    assert hole.severity == ("unknown" if tool == "pip-audit" else "high")
    assert hole.fixed == (() if tool == "CycloneDX" else ("2.7.2",))


def test_what_a_report_says_beside_is_kept():
    assert read_scan(json.dumps(CYCLONEDX).encode(), "r").vulnerabilities[0].note == "not affected"
    assert read_scan(json.dumps(PIP_AUDIT).encode(), "r").skipped == ("credit: not found on the index",)
    graver = [item for item in read_scan(json.dumps(OSV).encode(), "r").vulnerabilities if item.id == "PYSEC-9"]
    assert graver[0].severity == "critical"


def test_one_hole_that_databases_name_differently_counts_once():
    place = {"package": "jinja2", "version": "2.4.1"}
    chained = [
        Vulnerability(id="PYSEC-1", aliases=("GHSA-1",), **place),
        Vulnerability(id="CVE-1", severity="low", **place),
        Vulnerability(id="GHSA-1", aliases=("CVE-1",), severity="high", fixed=("2.7",), **place),
        Vulnerability(id="CVE-1", package="numpy", version="1"),
    ]
    found = {item.package: item for item in merged(chained)}
    assert (found["jinja2"].id, found["jinja2"].severity) == ("CVE-1", "high")
    assert found["jinja2"].aliases == ("GHSA-1", "PYSEC-1")
    assert len(merged(chained)) == 2
    assert merged(reversed(chained)) == merged(chained)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is not valid JSON"),
        (b"[]", "none of the JSON reports"),
        (b'{"a": 1}', "none of the JSON reports"),
        (b'{"dependencies": {}}', r"dependencies: must be a list"),
        (b'{"dependencies": [{"name": "a", "version": 3}]}', r"dependencies\[0\].version: must be text"),
        (b'{"dependencies": [{"name": "a", "version": "1", "vulns": [{}]}]}', r"vulns\[0\].id: is required"),
        (
            b'{"results": [{"packages": [{"package": "numpy"}]}]}',
            r"results\[0\].packages\[0\].package: must be a mapping",
        ),
        (b'{"bomFormat": "CycloneDX", "components": []}', "was not looked through for vulnerabilities"),
        (
            b'{"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-1"}]}',
            r"vulnerabilities\[0\].affects: is required",
        ),
        (b'{"matches": [{"artifact": {"name": "a"}, "vulnerability": []}]}', "must be a mapping"),
        (b'{"dependencies": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b" " * (MOST_BYTES + 1), "at most"),
    ],
    ids=lambda value: value[:30] if isinstance(value, bytes) else "",
)
def test_a_report_that_is_wrong_is_refused_at_once_with_the_place(content, says):
    began = time.monotonic()
    with pytest.raises(InvalidInput, match=says):
        read_scan(content, "report.json")
    assert time.monotonic() - began < 5


def scan_of(*places, holes=()):
    return Scan(name="r", tool="pip-audit", looked_at=frozenset(places), vulnerabilities=tuple(holes))


def test_a_report_covers_only_what_is_recorded_in_the_recorded_version():
    recorded = [Package(name="numpy", version="2.1.0"), Package(name="jinja2", version="3.1"), Package(name="scipy")]
    old = Vulnerability(id="CVE-1", package="jinja2", version="2.4.1", severity="high")
    beside = Vulnerability(id="CVE-2", package="openssl", version="1", severity="high")
    looked = scan_of(("numpy", "2.1"), ("jinja2", "2.4.1"), ("scipy", "1.9"), ("openssl", "1"), holes=(old, beside))
    found = cover(recorded, [looked])
    assert (found.covered, found.uncovered) == (("numpy", "scipy"), ("jinja2",))
    assert found.share == pytest.approx(2 / 3)
    assert (found.counted, found.of_other_versions) == ((beside,), (old,))
    assert (found.other_versions, found.not_recorded) == (("jinja2 2.4.1",), ("openssl",))
    assert cover([], [looked]).share is None


@pytest.fixture
def files(tmp_path):
    record, report = tmp_path / "requirements.txt", tmp_path / "grype.json"
    record.write_text("jinja2==2.4.1\nnumpy==2.1.3\n")
    report.write_text(json.dumps(GRYPE))
    return record, report


def values(report):
    return {(item["metric"], *item["slice"].values()): item["value"] for item in report["measurements"]}


def test_the_report_tells_counts_age_and_coverage(files):
    report = evaluate("environment", files, {"python": "2.7", "as_of": "2026-11-21"})
    found = values(report)
    assert (found["packages",], found["package_differences",]) == (2.0, 3.0)
    assert (found["vulnerabilities", "high"], found["vulnerabilities", "critical"]) == (1.0, 0.0)
    assert (found["vulnerability_coverage",], found["vulnerability_report_age_days",]) == (0.5, 20.0)
    assert canonical_json(report) == canonical_json(
        evaluate("environment", files, {"python": "2.7", "as_of": "2026-11-21"})
    )
    names = [series["name"] for series in report["series"]]
    assert names == ["packages", "vulnerabilities", "vulnerability_reports"]


def test_a_report_from_the_future_has_no_age(files):
    assert values(evaluate("environment", files, {"as_of": "2026-10-01"}))["vulnerability_report_age_days",] is None


def test_without_a_report_nothing_is_known_of_vulnerabilities(files):
    found = values(evaluate("environment", files[:1], {}))
    assert found["package_differences",] == 2.0
    assert found["vulnerabilities", "critical"] is None
    assert found["vulnerability_coverage",] is None


def test_the_command_prints_it_and_fails_with_the_place(files, capsys):
    record, report = files
    assert main(["environment", str(record), "--vulnerabilities", str(report), "--as-of", "2026-11-21"]) == 0
    printed = capsys.readouterr().out
    assert "CVE-2014-0012" in printed
    assert "other version" in printed
    record.write_text("numpy==\n")
    assert main(["environment", str(record)]) == 2
    assert "line 1" in capsys.readouterr().err
