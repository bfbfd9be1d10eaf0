"""Every format says the same, and what it says can be read back by what reads that format."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import jsonschema
import pytest
from sample_reports import failing, hostile, passing

from schemaspec.errors import InputError
from schemaspec.model.report import CheckResult, Finding
from schemaspec.report import FORMATS, format_of, render
from schemaspec.report.templating import style_sheet


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_renders_every_report(format: str) -> None:
    for report in (passing(), failing(), hostile("x")):
        assert render(report, format).strip()


@pytest.mark.parametrize(
    ("file", "format"),
    [
        ("report.html", "html"),
        ("REPORT.HTM", "html"),
        ("out/report.json", "json"),
        ("report.md", "markdown"),
        ("report.xml", "junit"),
        ("report.junit.xml", "junit"),
        ("a.b.sarif", "sarif"),
        ("report.sarif.json", "sarif"),
        ("gl.codequality.json", "gitlab"),
        ("report.txt", "text"),
    ],
)
def test_the_ending_chooses_the_format(file: str, format: str) -> None:
    assert format_of(file) == format


def test_an_unknown_ending_or_format_is_bad_input() -> None:
    with pytest.raises(InputError, match="ending"):
        format_of("report.docx")
    with pytest.raises(InputError, match="no report format"):
        render(passing(), "docx")


def test_text_of_a_report_that_passes() -> None:
    text = render(passing(), "text")
    assert "Checks: 11/11 passed, 0 failed, 0 errors, 0 warnings" in text
    assert "  PASS   Tables Exist        All 15 expected tables found" in text
    assert "sqlite:///store.db" in text
    assert "2026-01-14 09:30:00 UTC" in text
    assert "regions          30" in text
    assert "v5  applied" in text
    assert render(passing(), "text", quiet=True) == "✓ PASS - 11/11 checks passed"


def test_text_of_a_report_that_fails() -> None:
    text = render(failing(), "text")
    assert "Checks: 6/10 passed, 3 failed, 1 error, 2 warnings" in text
    after = text.index("FAIL   Column Definitions")
    assert after < text.index("✗ column products.price: type is TEXT, expected REAL  specs/catalog.yaml:12:7")
    assert "v6  pending" in text
    quiet = render(failing(), "text", quiet=True)
    assert quiet == "✗ FAIL - 6/10 checks passed, 3 failed, 1 error, 2 warnings"
    assert "\n" not in quiet


def test_colour_only_when_asked() -> None:
    assert "\033" not in render(failing(), "text")
    assert "\033[1;31mFAIL" in render(failing(), "text", color=True)


def test_long_lists_are_cut_unless_verbose() -> None:

    check = failing().checks[3]
    many = tuple(check.findings[0].replaced(object=f"t.c{number}", message=f"number {number}") for number in range(50))
    report = failing().replaced(checks=(check.replaced(findings=many),), counts={f"t{number}": 1 for number in range(60)})
    short, whole = render(report, "text"), render(report, "text", verbose=True)
    assert "number 19" in short
    assert "number 20" not in short
    assert "… and 30 more findings" in short
    assert "… and 20 more tables" in short
    assert "number 49" in whole
    assert "t59" in whole


def test_long_definitions_show_where_they_part() -> None:

    check = failing().checks[9]
    start = "select " + ", ".join(f"column_{number}" for number in range(60))
    finding = check.findings[0].replaced(expected=start + " from new_home", actual=start + " from old_home")
    text = render(failing().replaced(checks=(check.replaced(findings=(finding,)),)), "text")
    assert "from new_home" in text
    assert "from old_home" in text
    assert "column_3," not in text


def test_json_follows_the_published_schema() -> None:
    schema = json.loads(files("schemaspec.spec").joinpath("schemas/report.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    for report in (passing(), failing(), hostile('"\x1b\u202e\ud800')):
        jsonschema.validate(json.loads(render(report, "json")), schema, cls=jsonschema.Draft7Validator)


def test_json_says_what_the_format_document_promises() -> None:
    document = json.loads(render(failing(), "json"))
    assert document["schemaspec"]
    assert document["started_at"] == "2026-01-14T09:30:00Z"
    assert document["summary"] == {"status": "fail", "checks": 10, "passed": 6, "failed": 3, "errors": 1, "warnings": 2}
    finding = next(check for check in document["checks"] if check["id"] == "columns")["findings"][0]
    assert finding["code"] == "column.type"
    assert finding["where"] == "specs/catalog.yaml:12:7"
    assert (finding["object"], finding["expected"], finding["actual"]) == ("products.price", "REAL", "TEXT")
    assert document["counts"]["products"] == 8
    assert document["migrations"][0]["status"] == "applied"


def test_junit_counts_add_up() -> None:
    root = ET.fromstring(render(failing(), "junit"))
    (suite,) = root
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["11", "3", "1", "1"]
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["11", "3", "1"]
    assert len(root.findall(".//failure")) == 3
    failure = root.find(".//testcase[@name='Column Definitions']/failure")
    assert failure is not None
    assert "specs/catalog.yaml:12:7" in (failure.text or "")


def test_sarif_places_findings_relative_to_the_folder() -> None:
    run = json.loads(render(failing(), "sarif"))["runs"][0]
    places = [
        (location["artifactLocation"]["uri"], location["region"]["startLine"], location["region"]["startColumn"])
        for result in run["results"]
        if (location := result["locations"][0].get("physicalLocation"))
    ]
    assert ("specs/catalog.yaml", 12, 7) in places
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert {result["ruleId"] for result in run["results"]} == set(rules)
    assert run["invocations"][0]["executionSuccessful"] is False


def test_gitlab_entries_have_all_that_gitlab_asks_for() -> None:
    entries = json.loads(render(failing(), "gitlab"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["lines"]["begin"] >= 1


def test_github_annotations() -> None:
    lines = render(failing(), "github").splitlines()
    assert any(
        line.startswith("::error file=specs/catalog.yaml,line=12,col=7,title=Column Definitions%3A products.price::")
        for line in lines
    )
    assert any(line.startswith("::warning file=specs/people.yaml,line=40,col=5,") for line in lines)
    assert lines[-1].startswith("✗ FAIL")


def test_html_folds_what_is_too_long_to_lie_open() -> None:
    finding = Finding(code="column.missing", severity="fail", object="t.a", message="column t.a is missing")
    check = CheckResult(id="columns", name="Columns", status="fail", message="", findings=(finding,) * 40)
    html = render(passing().replaced(checks=(check,)), "html")
    assert html.count('<li class="finding fail">') == 40
    assert html.partition('<details class="rest">')[0].count('<li class="finding fail">') == 25
    assert "and 15 more findings" in html
    assert 'class="rest"' not in render(failing(), "html")


@pytest.mark.parametrize("sheet", re.findall(r":root \{([^}]*)\}", style_sheet("report.css")), ids=["light", "dark", "print"])
def test_every_text_can_be_read_on_its_ground(sheet: str) -> None:
    """WCAG 2 asks for a contrast of 4.5 to 1."""
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", sheet))
    texts = [name for name in colours if name not in ("ground", "card", "rule", "well") and not name.endswith("-tint")]
    tints = [name for name in colours if name.endswith("-tint")]
    pairs = [(text, ground) for text in texts for ground in ("ground", "card", "well")]
    pairs += [(text, tint) for tint in tints for text in ("ink", "soft", tint.removesuffix("-tint"))]
    poor = {pair: ratio for pair in pairs if (ratio := contrast(*(colours[name] for name in pair))) < 4.5}
    assert pairs
    assert not poor


def contrast(first: str, second: str) -> float:
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_markdown_has_a_row_a_check() -> None:
    text = render(failing(), "markdown")
    assert "| ❌ | Column Definitions | 2 of 90 columns differ |" in text
    assert "`specs/catalog.yaml:12:7`" in text
    assert "```sql" in text
