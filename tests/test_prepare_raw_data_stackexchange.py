"""A dump of a Stack Exchange site becomes threads like those of a forum."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from raw_data_files import origins, run, write_jsonl

SITE = Path(__file__).parent / "data/stackexchange/questions.jsonl"
SITE_FLAGS = (
    "--kind", "stackexchange", "--question", "question", "--answers", "answers",
    "--url", "metadata.0", "--source", "metadata.1", "--author", "answers.*.author", "--date", "date",
    "--license-of-all", "CC BY-SA",
)  # fmt: skip


def test_a_stack_exchange_dump_becomes_threads_with_the_best_answer_first(tmp_path: Path) -> None:
    found = run(tmp_path, SITE, options=(*SITE_FLAGS, "--origins", str(tmp_path / "origins.jsonl")))
    assert [row["forum_post"] for row in found.rows] == [
        "A ladder of length $5$ leans against a wall; its foot is $3$ away from the wall.\n\n"
        "How high does it reach, if $0 < h$ and $h^2+3^2=5^2$?\n\nThanks!",
        "Let $A=\\begin{pmatrix}1 & 2\\\\ 3 & 4\\end{pmatrix}$ and $a_1*b_1 = a_2*b_2$. What is $\\det A$ for $x<y$?",
        "Is there a book about \\(p\\)-adic numbers?",
    ]
    assert found.rows[0]["forum_discussions"] == (
        "Post 1:\nIt is a 3-4-5 triangle:\n\n- legs $3$ and $4$,\n- hypotenuse $5$.\n\nSo $h = 4$. See here.\n\n"
        "Post 2:\nBy Pythagoras, $$h=\\sqrt{5^2-3^2}=4.$$\n\nPost 3:\nMeasure it: about `4.0`"
    )
    assert origins(tmp_path)[0] == {
        "id": found.rows[0]["id"], "source": "https://math.example.org",
        "url": "https://math.example.org/questions/101",
        "license": "CC BY-SA", "author": "hypotenuse_fan, slope", "date": "2019/03/04", "posts": 3,
    }  # fmt: skip


def test_a_stack_exchange_dump_in_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in SITE.read_text().splitlines()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "questions.parquet")
    packed = run(tmp_path / "a", tmp_path / "questions.parquet", options=SITE_FLAGS)
    assert packed.output == run(tmp_path / "b", SITE, options=SITE_FLAGS).output


def test_names_of_those_who_answer_are_known_from_the_dump(tmp_path: Path) -> None:
    row = {
        "question": "<p>Find $x$.</p>",
        "answers": [
            {"text": "<p>As hypotenuse_fan says.</p>", "author": "slope"},
            {"text": "<p>$x=1$</p>", "author": "hypotenuse_fan", "selected": True},
        ],
    }
    found = run(
        tmp_path,
        write_jsonl(tmp_path / "a.jsonl", [row]),
        options=("--kind", "stackexchange", "--question", "question", "--answers", "answers", "--strip-names"),
    )
    assert found.rows[0]["forum_discussions"] == "Post 1:\n$x=1$\n\nPost 2:\nAs [user] says."


def test_answers_of_another_kind_are_dropped_with_their_reason(tmp_path: Path) -> None:
    rows = [
        {"question": "Find 1.", "answers": []},
        {"question": "Find 2.", "answers": ["text"]},
        {"question": "Find 3.", "answers": [{"text": 3}]},
    ]
    flags = ("--kind", "stackexchange", "--question", "question", "--answers", "answers", "--max-bad-fraction", "1")
    found = run(tmp_path, write_jsonl(tmp_path / "a.jsonl", rows), options=flags)
    assert [row["reason"] for row in found.dropped] == ["wrong_type", "wrong_type"]
    assert len(found.rows) == 1


def test_a_question_of_nothing_but_tags_is_dropped_as_empty(tmp_path: Path) -> None:
    rows = [{"question": "<p> </p>", "answers": []}, {"question": "<p>Find 1.</p>", "answers": None}]
    flags = ("--kind", "stackexchange", "--question", "question", "--answers", "answers", "--max-bad-fraction", "1")
    found = run(tmp_path, write_jsonl(tmp_path / "a.jsonl", rows), options=flags)
    assert ([row["reason"] for row in found.dropped], len(found.rows)) == (["empty_post"], 1)
