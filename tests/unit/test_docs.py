"""Pages for people: their links lead somewhere, and what they list is all that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "clients" / "typescript" / "README.md"])
DECISIONS = sorted(page for page in (DOCS / "decisions").glob("*.md") if page.name != "README.md")


def links() -> list[tuple[Path, str]]:
    """Those to files and headings of ours."""
    found = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))]
    return [(page, target) for page, target in found if not target.startswith("http")]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("page", "target"), [pytest.param(*link, id=f"{link[0].relative_to(ROOT)}:{link[1]}") for link in links()]
)
def test_every_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    assert file.exists()
    assert not anchor or anchor in anchors(file)


def test_every_room_is_in_the_picture_of_the_architecture() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    lines = re.findall(r"^ ([\w, ]+?)/? {2,}\S", text, re.MULTILINE)
    named = {name for line in lines for name in line.split(", ")}
    rooms = {path.name for path in (ROOT / "syncd").iterdir() if (path / "__init__.py").exists()}
    files = {path.stem for path in (ROOT / "syncd").glob("*.py") if not path.stem.startswith("_")}
    assert sorted((rooms | files) - named) == []


def test_every_command_that_measures_is_on_the_page_of_performance() -> None:
    named = set(re.findall(r"\bload\.(\w+)\b", (DOCS / "performance.md").read_text("utf-8")))
    there = {path.stem for path in (ROOT / "load").glob("*.py") if "\ndef main(" in path.read_text("utf-8")}
    assert sorted(there - named) == []


def test_the_index_of_decisions_has_each_with_its_title() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$", (DOCS / "decisions" / "README.md").read_text("utf-8"),
                        re.MULTILINE)  # fmt: skip
    titles = [page.read_text("utf-8").splitlines()[0] for page in DECISIONS]
    assert [(f"# {number} {title}", name) for number, name, title in listed] == [
        (title, page.name) for title, page in zip(titles, DECISIONS, strict=True)
    ]
