from __future__ import annotations

from pathlib import Path

import pytest
from omr.errors import UserError
from omr.replay.replies import Echo, NoReplyError, Reply, ReplyFolder, ReplyTable, read_stage, split_request_id
from omr.replay.tokens import count_tokens


def folder_with(tmp_path: Path, **stages: str) -> ReplyFolder:
    for stage, content in stages.items():
        (tmp_path / f"{stage}.yaml").write_text(f"about: written for this test\n{content}", encoding="utf-8")
    return ReplyFolder(tmp_path)


LOOK_UP = """
replies:
  row/solve/3: by id, prompt and seed
  row/solve: by id and prompt
  row: by id
patterns:
  - {match: "far*/solve/*", reply: first pattern}
  - {match: "*/solve/*", reply: second pattern}
default: the default
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("row/solve/3", "by id, prompt and seed"),
        ("row/solve/4", "by id and prompt"),
        ("row/judge/3", "by id"),
        ("far-1/solve/0", "first pattern"),
        ("near-1/solve/0", "second pattern"),
        ("near-1/judge/0", "the default"),
    ],
)
def test_the_most_exact_entry_wins(tmp_path: Path, name: str, text: str) -> None:
    assert folder_with(tmp_path, stage=LOOK_UP).find(f"stage/{name}") == Reply(text)


def test_a_row_id_may_hold_slashes() -> None:
    assert split_request_id("stage/a/b/prompt/0") == ("stage", "a/b/prompt/0")


@pytest.mark.parametrize("request_id", ["", "stage", "stage/row", "stage/row/prompt", "/row/prompt/0"])
def test_a_malformed_request_id_has_no_reply(tmp_path: Path, request_id: str) -> None:
    with pytest.raises(NoReplyError, match="does not read <stage>"):
        folder_with(tmp_path, stage="default: yes").find(request_id)


def test_without_a_reply_the_error_names_request_and_file(tmp_path: Path) -> None:
    with pytest.raises(NoReplyError, match=r"'solve/row/p/0' in solve\.yaml"):
        folder_with(tmp_path, solve="replies: {}").find("solve/row/p/0")


def test_without_a_file_for_the_stage_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoReplyError, match=r"there is no judge\.yaml"):
        folder_with(tmp_path, solve="replies: {}").find("judge/row/p/0")


def test_the_file_any_serves_stages_without_a_file_and_requests_without_an_id(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, solve="replies: {}", any="default: whatever")
    assert folder.find("judge/row/p/0").text == folder.find("*").text == "whatever"
    with pytest.raises(NoReplyError):
        folder.find("solve/row/p/0")


def test_text_stays_as_it_was_written(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, stage='replies:\n  0123456789012345: False\n  1e5: 1.50\n  b: ""\n')
    texts = [folder.find(f"stage/{row}/p/0").text for row in ("0123456789012345", "1e5", "b")]
    assert texts == ["False", "1.50", ""]


def test_a_reply_may_have_reasoning_and_a_finish_reason(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, stage="default: {text: so 2, reasoning: 1 + 1, finish_reason: length}")
    assert folder.find("stage/row/p/0") == Reply("so 2", "1 + 1", "length")


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("about: x\nreplies:\n  a: [1, 2]\n", 3, "the reply to 'a' must be a text"),
        ("about: x\nreplies:\n  a:\n", 3, "the reply to 'a' must be a text"),
        ("about: x\nreplies:\n  a: one\n  a: two\n", 4, "the key 'a' occurs twice"),
        ("about: x\nreplies:\n  a: {reasoning: r}\n", 3, "has no `text`"),
        ("about: x\nreplies:\n  a:\n    text: t\n    seed: 1\n", 5, "unknown key 'seed'"),
        ("about: x\nreplies: [a]\n", 2, "`replies` must be a mapping"),
        ("about: x\npatterns:\n  - {match: '*'}\n", 3, "a pattern needs `match` and `reply`"),
        ("about: x\npatterns: {a: b}\n", 2, "`patterns` must be a list"),
        ("about: x\nanswers: {}\n", 2, "unknown key 'answers'"),
        ("about: x\nreplies: {a: b\n", 3, "not valid YAML"),
        ("about: x\nreplies: {[a]: b}\n", 2, "not a plain text"),
        ("- a\n", 1, "the file must be a mapping"),
        ("default: x\n", None, "does not say what its replies are"),
        ("", None, "the file is empty"),
    ],
)
def test_a_faulty_file_is_reported_with_its_line(tmp_path: Path, content: str, line: int | None, what: str) -> None:
    path = tmp_path / "stage.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_stage(path)
    assert what in caught.value.what
    assert (caught.value.file, caught.value.line) == (path, line)
    assert caught.value.remedy


def test_a_file_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    (tmp_path / "stage.yaml").write_bytes(b"about: \xff\n")
    with pytest.raises(UserError, match="cannot be read"):
        ReplyFolder(tmp_path)


@pytest.mark.parametrize(("file", "what"), [(None, "no <stage>.yaml"), ("solve.yml", "would be passed over")])
def test_a_folder_without_usable_files_is_reported(tmp_path: Path, file: str | None, what: str) -> None:
    if file is not None:
        (tmp_path / file).write_text("about: x\n")
    with pytest.raises(UserError, match=what):
        ReplyFolder(tmp_path)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        ReplyFolder(tmp_path / "nowhere")


def test_a_table_prefers_the_exact_id_to_an_earlier_pattern() -> None:
    table = ReplyTable({"*": "any", "s/row/p/0": "exact"})
    assert table.find("s/row/p/0").text == "exact"
    assert table.find("s/row/p/1").text == "any"


@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 1000])
def test_an_echo_depends_on_the_id_only_and_has_the_length_asked_for(tokens: int) -> None:
    text = Echo(tokens).find("s/row/p/0").text
    assert text == Echo(tokens).find("s/row/p/0").text != Echo(tokens).find("s/row/p/1").text
    assert count_tokens(text) == tokens
