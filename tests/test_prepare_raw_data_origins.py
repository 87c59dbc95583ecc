"""What is known of a thread's origin is kept beside it, and names of those who wrote it can be taken out."""

from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from raw_data_files import origins, run, thread, write_jsonl, write_parquet

ORIGIN_FLAGS = (
    "--source",
    "source",
    "--url",
    "meta.url",
    "--license",
    "license",
    "--author",
    "user_name",
    "--date",
    "date",
)


def test_what_the_columns_tell_of_a_thread_goes_into_light_rows(tmp_path: Path) -> None:
    rows = [
        thread("Find 1.", "a", "b", source="forum", meta={"url": "https://example.org/1"}, user_name="ann", date=2019),
        thread("Find 2.", source=["x", None, "y"], license=" ", user_name={"no": "text"}),
        thread("Find 1.", "a", "b"),
    ]
    flags = (*ORIGIN_FLAGS, "--license-of-all", "CC BY-SA", "--origins", str(tmp_path / "origins.jsonl"))
    found = run(tmp_path, write_jsonl(tmp_path / "threads.jsonl", rows), options=flags)
    first, second = (row["id"] for row in found.rows)
    assert origins(tmp_path) == [
        {"id": first, "source": "forum", "url": "https://example.org/1", "license": "CC BY-SA",
         "author": "ann", "date": "2019", "posts": 2},
        {"id": second, "source": "x, y", "url": None, "license": "CC BY-SA",
         "author": None, "date": None, "posts": 0},
    ]  # fmt: skip


def test_columns_of_the_origin_are_read_from_parquet(tmp_path: Path) -> None:
    file = write_parquet(tmp_path / "threads.parquet", [thread("Find 1.", "a", date="2020", user_name="ann")])
    flags = ("--date", "date", "--author", "user_name", "--origins", str(tmp_path / "origins.jsonl"))
    run(tmp_path, file, options=flags)
    assert [(row["date"], row["author"]) for row in origins(tmp_path)] == [("2020", "ann")]


def test_a_column_of_the_origin_may_lack_under_its_usual_name_only(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "threads.jsonl", [thread("Find 1.")])
    run(tmp_path, file, options=("--url", "url"))
    with pytest.raises(UserError, match="no thread has 'link', which is to be the url"):
        run(tmp_path, file, options=("--url", "link"))


def test_names_mails_and_signatures_are_taken_out_and_counted_and_ids_stay(tmp_path: Path) -> None:
    rows = [
        thread(
            "Find $x$.\n--\nann_e2",
            "@ann_e2 write to me@example.org: $x=1$",
            "Bob, no",
            user_name="ann_e2",
            by=["Bob", "Bob"],
        ),
        thread("Let Bob be $2$. Find $y$.", "Bob is $2$."),
    ]
    file = write_jsonl(tmp_path / "threads.jsonl", rows)
    flags = ("--author", "user_name", "--post-authors", "by", "--origins", str(tmp_path / "origins.jsonl"))
    plain = run(tmp_path, file, options=flags)
    assert origins(tmp_path)[0]["author"] == "ann_e2"
    assert "taken_out" not in plain.counts
    found = run(tmp_path, file, options=(*flags, "--strip-names"))
    assert [row["id"] for row in found.rows] == [row["id"] for row in plain.rows]
    assert found.rows[0]["forum_post"] == "Find $x$."
    assert found.rows[0]["forum_discussions"] == "Post 1:\n[user] write to [email]: $x=1$\n\nPost 2:\n[user], no"
    assert found.rows[1] == plain.rows[1]
    assert found.counts["taken_out"] == {"names": 2, "mails": 1, "signatures": 1, "threads": 1, "names_left": 0}
    assert all("author" not in row for row in origins(tmp_path))


def test_a_motto_under_posts_of_several_threads_is_a_signature(tmp_path: Path) -> None:
    rows = [
        thread(f"Find ${number}$.\n\nNever stop counting.", "Yes.\n\nIt is done.", user_name="ann", by=[f"ben{number}"])
        for number in range(3)
    ]
    flags = ("--author", "user_name", "--post-authors", "by", "--strip-names")
    found = run(tmp_path, write_jsonl(tmp_path / "a.jsonl", rows), options=flags)
    assert [row["forum_post"] for row in found.rows] == [f"Find ${number}$." for number in range(3)]
    assert {row["forum_discussions"] for row in found.rows} == {"Post 1:\nYes.\n\nIt is done."}
    assert found.counts["taken_out"]["signatures"] == 3
