"""A dump of a Stack Exchange site, through the workflow."""

from __future__ import annotations

import orjson
import pytest
from workflow.projects import Project

pytestmark = pytest.mark.workflow


def test_questions_of_a_site_become_threads_by_the_overlay_and_say_where_they_come_from(project: Project) -> None:
    overlay = project.path("site.yaml")
    overlay.write_text("run: site\nraw_data: {path: tests/data/stackexchange, tokenizer: null, strip_names: true}\n")
    project.make("results/site/raw_aops_data.jsonl", "--configfile", "config/stackexchange.yaml", "site.yaml")
    rows = [orjson.loads(line) for line in project.path("results/site/raw_aops_data.jsonl").read_bytes().splitlines()]
    assert [len(row["forum_discussions"].split("Post ")) - 1 for row in rows] == [3, 1, 0]
    origins = [orjson.loads(line) for line in project.path("results/site/origins.jsonl").read_bytes().splitlines()]
    assert [(row["url"], row["license"]) for row in origins] == [
        (f"https://math.example.org/questions/{number}", "CC BY-SA") for number in (101, 102, 103)
    ]
    assert all("author" not in row for row in origins)
    planned = project.planned(
        "results/site/decontaminated.jsonl", "--configfile", "config/stackexchange.yaml", "site.yaml"
    )
    assert {"merge_data", "deduplicate", "extract_problems"} <= set(planned)
