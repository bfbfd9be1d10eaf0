"""Reports for other programs, held against the rules of who reads them, written down here as far as we use them."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import datetime
from typing import Any

import jsonschema
import pytest
from sample_reports import failing, hostile, passing

from schemaspec.model.position import Position
from schemaspec.model.report import CheckResult, Finding, Report
from schemaspec.report import render


def rules() -> Report:
    """Several findings with one code and object, files in odd places, and an error."""
    places = ("./specs/a.yaml", "/abs/b c.yaml", "c:d.yaml", "specs/ü.yaml", "")
    findings = tuple(
        Finding(
            code="rows.count", severity="fail", object="t", message=f"number {number}", query="select '<&>'",
            where=Position(place, number, 0) if place else None,
        )
        for number, place in enumerate((*places, *places))
    )  # fmt: skip
    error = CheckResult(id="counts", name="Data Counts", status="error", message="could not")
    return passing().replaced(checks=(CheckResult(id="x", name="X", status="fail", message="m", findings=findings), error))


REPORTS = {"pass": passing(), "fail": failing(), "hostile": hostile("<a>\n]]>\x1b&"), "rules": rules()}
every_report = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)

# --- JUnit: the XSD that Jenkins' xunit plug-in holds reports against -----------------------------------------------------
# An element: its attributes (those with ! are required), and what may stand in it.
JUNIT = {
    "testsuites": ("name time tests failures disabled errors", "testsuite"),
    "testsuite": (
        "name! tests! failures errors time disabled skipped timestamp hostname id package",
        "properties testcase system-out system-err",
    ),
    "properties": ("", "property"),
    "property": ("name! value!", ""),
    "testcase": ("name! assertions time classname status", "skipped error failure system-out system-err"),
    "skipped": ("type message", ""),
    "error": ("type message", ""),
    "failure": ("type message", ""),
    "system-out": ("", ""),
}


def _valid_junit(element: ET.Element) -> None:
    attributes, children = (text.split() for text in JUNIT[element.tag])
    names = {name.rstrip("!") for name in attributes}
    assert set(element.attrib) <= names, element.attrib
    assert {name[:-1] for name in attributes if name.endswith("!")} <= set(element.attrib), element.attrib
    for name in {"tests", "failures", "errors", "skipped"} & set(element.attrib):
        assert element.attrib[name].isdecimal()
    if "time" in element.attrib:
        assert float(element.attrib["time"]) >= 0
    if "timestamp" in element.attrib:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.attrib["timestamp"])
    assert not children or not (element.text or "").strip()
    for child in element:
        assert child.tag in children
        _valid_junit(child)


@every_report
def test_junit(report: Report) -> None:
    root = ET.fromstring(render(report, "junit"))
    assert root.tag == "testsuites"
    _valid_junit(root)
    (suite,) = root
    assert next(child.tag for child in suite) == "properties"
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases))
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    for tag, counter in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert suite.get(counter) == str(len(suite.findall(f"testcase/{tag}")))


# --- SARIF 2.1.0 ----------------------------------------------------------------------------------------------------------


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = _object({"text": TEXT})
COUNT = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["error", "warning", "note"]}
ARTIFACT = _object({"uri": {"type": "string", "format": "uri-reference", "minLength": 1}}, {"uriBaseId": {"const": "%SRCROOT%"}})
LOCATION = _object(
    {"logicalLocations": {"type": "array", "minItems": 1, "items": _object({"fullyQualifiedName": {"type": "string"}})}},
    {"physicalLocation": _object({"artifactLocation": ARTIFACT, "region": _object({"startLine": COUNT, "startColumn": COUNT})})},
)
RESULT = _object(
    {
        "ruleId": TEXT,
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": LOCATION},
        "partialFingerprints": {"type": "object", "minProperties": 1, "additionalProperties": TEXT},
    },
    {"properties": {"type": "object"}},
)
RULE = _object({"id": TEXT, "shortDescription": MESSAGE})
INVOCATION = _object(
    {
        "executionSuccessful": {"type": "boolean"},
        "startTimeUtc": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "toolExecutionNotifications": {"type": "array", "items": _object({"level": LEVEL, "message": MESSAGE})},
    }
)
RUN = _object(
    {
        "tool": _object(
            {"driver": _object({"name": TEXT, "version": TEXT, "rules": {"type": "array", "uniqueItems": True, "items": RULE}})}
        ),
        "invocations": {"type": "array", "items": INVOCATION},
        "columnKind": {"const": "unicodeCodePoints"},
        "originalUriBaseIds": _object({"%SRCROOT%": _object({"description": MESSAGE})}),
        "results": {"type": "array", "items": RESULT},
    }
)
SARIF = _object({"$schema": TEXT, "version": {"const": "2.1.0"}, "runs": {"type": "array", "minItems": 1, "items": RUN}})


@every_report
def test_sarif(report: Report) -> None:
    document = json.loads(render(report, "sarif"))
    jsonschema.validate(document, SARIF)
    (run,) = document["runs"]
    assert {result["ruleId"] for result in run["results"]} == {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    marks = [result["partialFingerprints"]["schemaspec/v1"] for result in run["results"]]
    assert len(set(marks)) == len(marks)
    for result in run["results"]:
        place = result["locations"][0].get("physicalLocation", {}).get("artifactLocation")
        if place:
            relative = "uriBaseId" in place
            assert relative == (re.match(r"[a-z]+:|/", place["uri"]) is None), place


def test_sarif_uris() -> None:
    results = json.loads(render(rules(), "sarif"))["runs"][0]["results"]
    places = [result["locations"][0].get("physicalLocation", {}).get("artifactLocation", {}).get("uri") for result in results[:5]]
    assert places == ["specs/a.yaml", "file:///abs/b%20c.yaml", "c%3Ad.yaml", "specs/%C3%BC.yaml", None]


# --- GitLab code quality, GitHub annotations --------------------------------------------------------------------------------

GITLAB = {
    "type": "array",
    "items": _object(
        {
            "description": TEXT,
            "check_name": TEXT,
            "fingerprint": {"pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": _object({"path": {"type": "string", "pattern": r"^(?!\./)."}, "lines": _object({"begin": COUNT})}),
        }
    ),
}


@every_report
def test_gitlab(report: Report) -> None:
    entries = json.loads(render(report, "gitlab"))
    jsonschema.validate(entries, GITLAB)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    bare = {check.id for check in report.checks if check.status == "error" and not check.findings}
    assert len(entries) == sum(len(check.findings) for check in report.checks) + len(bare)


def test_a_finding_is_the_same_one_though_others_came_and_lines_moved() -> None:
    before, after = failing(), failing()
    moved = tuple(
        check.replaced(findings=tuple(item.replaced(where=Position("moved.yaml", 99, 1)) for item in check.findings[1:]))
        for check in after.checks
    )
    marks = [
        {entry["fingerprint"] for entry in json.loads(render(report, "gitlab"))}
        for report in (before, after.replaced(checks=moved))
    ]
    assert marks[1] < marks[0]


@every_report
def test_github(report: Report) -> None:
    commands = [line for line in render(report, "github").splitlines() if line.startswith("::")]
    bare = {check.id for check in report.checks if check.status in ("fail", "error") and not check.findings}
    assert len(commands) == sum(len(check.findings) for check in report.checks) + len(bare)
    for command in commands:
        found = re.fullmatch(r"::(error|warning|notice) ((?:\w+=[^,:]*)(?:,\w+=[^,:]*)*)::(.+)", command)
        assert found is not None, command
        given = dict(item.split("=", 1) for item in found[2].split(","))
        assert list(given) in (["file", "line", "col", "title"], ["title"])
        assert given.get("line", "1").isdecimal() and given.get("col", "1").isdecimal()


def test_dates_are_dates() -> None:
    for format, find in (("json", r'"started_at": "([^"]+)"'), ("sarif", r'"startTimeUtc": "([^"]+)"')):
        found = re.search(find, render(passing(), format))
        assert found is not None
        assert datetime.fromisoformat(found[1]).tzinfo is not None
