"""Names, values and errors come from databases and files; in a report they are text and nothing else."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import failing, hostile, passing

from schemaspec.report import FORMATS, render
from schemaspec.report.safe import block, line

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "`</code><b>`",
    "]]><x/><![CDATA[",
    "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "safe\u202egnp.exe\u2066x\u2069",
    "line\r\n::error::forged\n::set-output name=a::b",
    "%0A::error::forged",
    "a,title=forged::b",
    "| a | b |\n|---|---|",
    "[click](https://evil.example/) @everyone #1 https://evil.example www.evil.example",
    "nul\0byte \ufffe \ud800 lone",
    "````\n# heading",
]
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


class Shape(HTMLParser):
    """The elements and attributes of a page, without its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]


def shape(html: str) -> Shape:
    found = Shape()
    found.feed(html)
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_gains_no_element_and_no_attribute(attack: str) -> None:
    page = shape(render(hostile(attack), "html"))
    plain = shape(render(hostile("x"), "html"))
    fix = [element for element in page.elements if element[0] != "code"]
    assert fix == [element for element in plain.elements if element[0] != "code"]
    assert not any(name.startswith("on") for _, names in page.elements for name in names)


@pytest.mark.parametrize("report", [passing(), failing(), hostile(ATTACKS[0])], ids=["pass", "fail", "hostile"])
def test_html_is_one_file_under_a_strict_policy(report: object) -> None:
    import base64
    import hashlib

    html = render(report, "html")  # type: ignore[arg-type]
    page = shape(html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not names & {"style", "src", "srcset", "action"}
    assert all(value.startswith("#") for value in re.findall(r'href="([^"]*)"', html))
    assert "url(" not in html
    assert "@import" not in html
    css = html[html.index("<style>") + 7 : html.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = next(value for value in page.values if value.startswith("default-src 'none'"))
    assert f"style-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_format_emits_what_a_terminal_would_obey(format: str, attack: str) -> None:
    text = render(hostile(attack), format)
    assert not UNSAFE.search(text)
    text.encode("utf-8")


@pytest.mark.parametrize("attack", ATTACKS)
def test_annotations_can_not_be_forged(attack: str) -> None:
    commands = [part for part in render(hostile(attack), "github").splitlines() if part.startswith("::")]
    assert len(commands) == 2
    for command in commands:
        found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", command)
        assert found is not None
        names = [item.split("=", 1)[0] for item in found[2].split(",")]
        assert names in (["file", "line", "col", "title"], ["title"])


@given(st.text())
def test_the_text_of_an_annotation_survives(text: str) -> None:
    command = render(hostile(text), "github").split("\n")[0]
    data = command.split("::", 2)[2]
    undone = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert undone.startswith(block(text))


@given(st.text(alphabet=st.characters()))
def test_json_and_xml_read_back(text: str) -> None:
    document = json.loads(render(hostile(text), "json"))
    assert document["checks"][0]["findings"][0]["object"] == text
    assert document["counts"] == {text: 3}
    json.loads(render(hostile(text), "sarif"))
    json.loads(render(hostile(text), "gitlab"))
    ET.fromstring(render(hostile(text), "junit"))


@given(st.text())
def test_a_line_stays_one_line(text: str) -> None:
    assert len((line(text) + "x").splitlines()) == 1
    assert line(line(text)) == line(text)
    assert not UNSAFE.search(line(text))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_row_of_a_markdown_table_stays_one_row(attack: str) -> None:
    text = render(hostile(attack), "markdown")
    row = next(part for part in text.splitlines() if part.startswith("| ❌"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    outside = re.sub(r"(`+).*?\1", "", row)
    assert "<script" not in outside
    assert "<img" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
