"""The pages of a run whose every text is hostile, enormous or broken."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import run_files
from browse_pages import Markup, pages
from code_run_files import write_code_run
from omr.browse.pages import NotThereError, Pages
from omr.browse.shown import CUT, LONG_CUT, Drawer
from omr.files.jsonl import dumps
from omr.report.tex_html import MAX_FORMULA_CHARS
from run_files import CONTAMINATED, HOSTILE, PROBLEM, RECIPE, SILENT, THREAD, write_rows

SHARD = "shard-000-of-001.jsonl"
#: What posts and models would like to be markup.
ATTACKS = [
    HOSTILE,
    "\"><script>alert(1)</script>' onfocus='alert(2)",
    "</div></main><iframe src=//evil.test></iframe><svg onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a> {{ 7*7 }} {% raw %} &lt;b&gt;",
    "$\\text{</math><img src=x onerror=alert(1)>}$ \\[\\unicode{x3c}\\]",
    "\x00\x1b[2J\u202egnp.exe\u2066 \ufffe",
    "$" * 3000 + "\\begin{align}" * 50,
    "\\frac{" * 300 + "$x$" * 300,
]


def hostile_run(folder: Path, attack: str) -> Path:
    """A run in which every text, answer, reason, name and unknown field is the attack."""
    run = run_files.write_run(folder, attack)
    home = run / RECIPE
    odd = {attack: attack, "list": [attack], "object": {attack: attack}, "number": 1e300}
    problem = {"id": PROBLEM, "thread_id": THREAD, "problem": attack, "expected_answer": attack, "problem_type": attack}
    write_rows(run / "raw_aops_data.jsonl", {"id": THREAD, "forum_post": attack, "forum_discussions": attack} | odd)
    write_rows(run / "problems.jsonl", problem, {"id": CONTAMINATED, "thread_id": THREAD, "problem": attack})
    write_rows(run / "merged.jsonl", problem)
    write_rows(run / "dropped/decontaminate.jsonl", {"id": CONTAMINATED, "reason": attack, "problem": attack} | odd)
    rows = [{"id": PROBLEM, "seed": seed, "predicted_answer": attack, "expected_answer": attack} for seed in range(3)]
    verdicts = [{"judgement": "yes"}, {"judgement": attack}, {"judgement": "unjudged", "unjudged_reason": attack}]
    write_rows(home / "majority" / SHARD, *(row | {"answer_source": attack} for row in rows))
    judged = [row | verdict | {"judged_by": attack} for row, verdict in zip(rows, verdicts, strict=True)]
    write_rows(home / "judged" / SHARD, *judged)
    write_rows(home / "dropped/prepare_sft" / SHARD, {"id": PROBLEM, "seed": 1, "reason": attack} | odd)
    bad = {
        "prompt": attack,
        "model": attack,
        "finish_reason": attack,
        "error": attack,
        "usage": attack,
        "steps": attack,
    }
    reply = run_files.reply(
        PROBLEM, "solve_cot", attack, 1, reasoning=attack, **{k: v for k, v in bad.items() if k != "prompt"}
    )
    write_rows(home / "solutions/seed-01" / SHARD, reply | {"prompt": attack})
    return run


def addresses(made: Pages) -> Iterator[str]:
    """Every page of a run that can be reached from the first one."""
    seen, due = {"/"}, ["/"]
    while due:
        address = due.pop(0)
        yield address
        parts = urlsplit(address)
        answer = made.all[parts.path](dict(parse_qsl(parts.query)))
        for link in [answer.location] if answer.location else Markup(answer.html).addresses:
            known = link.partition("#")[0]
            if known and not known.startswith("/static/") and known not in seen:
                seen.add(known)
                due.append(known)


def shown(made: Pages, address: str) -> str:
    parts = urlsplit(address)
    return made.all[parts.path](dict(parse_qsl(parts.query, keep_blank_values=True))).html


def test_every_link_of_every_page_leads_somewhere(tmp_path: Path) -> None:
    made = pages(run_files.write_run(tmp_path))
    found = {urlsplit(address).path for address in addresses(made)}
    assert found >= {"/problem", "/solution", "/thread", "/row", "/file", "/files", "/drops", "/find"}


def plain_markup(tmp_path: Path) -> tuple[set[str], set[str]]:
    """The elements and attributes that pages have where no text holds any."""
    made = pages(run_files.write_run(tmp_path / "plain", "fine $x^2$ and $\\frac{1}{2}$"))
    tags, attributes = {"code", "pre"}, {"open"}
    for address in addresses(made):
        page = Markup(shown(made, address))
        tags |= page.tags
        attributes |= page.attributes
    return tags, attributes


MATH = {"math", "mrow", "mi", "mo", "mn", "mtext", "msup", "msub", "mfrac", "msqrt", "mtable", "mtr", "mtd", "mspace"}


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_no_text_becomes_markup_on_any_page(tmp_path: Path, attack: str) -> None:
    tags, attributes = plain_markup(tmp_path)
    made = pages(hostile_run(tmp_path, attack))
    visited = 0
    for address in addresses(made):
        html = shown(made, address)
        page = Markup(html)
        assert page.tags <= tags | MATH, address
        assert not {name for name in page.attributes - attributes if name.startswith("on") or name == "style"}, address
        assert page.is_balanced, address
        assert all(link.startswith(("/", "#")) and not link.startswith("//") for link in page.addresses), address
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", html), address
        visited += 1
    assert visited > 25


def test_the_page_of_a_problem_is_its_story_from_the_thread_to_the_training_row(tmp_path: Path) -> None:
    made = pages(run_files.write_run(tmp_path))
    text = Markup(shown(made, f"/problem?id={PROBLEM}")).text
    places = [text.index(part) for part in ("The thread", "A model was asked to find problems", "Clean: it goes on", "a training row")]  # fmt: skip
    assert places == sorted(places)
    solution = Markup(shown(made, f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=1")).text
    assert "Judgement: No" in solution
    assert "Dropped: the final answer is wrong" in solution
    assert "as prompts/judge_answers.yaml reads now" in solution


def test_prompts_are_shown_with_the_fields_of_the_row(tmp_path: Path) -> None:
    made = pages(run_files.write_run(tmp_path))
    html = shown(made, f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=0")
    asked = html.split('class="text asked"')[1].split("</div>")[0]
    assert "What is $1+1$?" in asked
    assert "{{" not in asked


def test_code_and_its_output_are_set_off_by_their_places(tmp_path: Path) -> None:
    made = pages(write_code_run(tmp_path, HOSTILE))
    html = shown(made, f"/solution?recipe=tir-small&id={PROBLEM}&seed=0")
    assert html.count('<pre class="code">') >= 2
    assert '<pre class="output error">' in html


def test_enormous_texts_are_cut_and_shown_page_by_page(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    text = "".join(f"line {n:07d}\n" for n in range(12_000))
    write_rows(run / RECIPE / "solutions/seed-00" / SHARD, run_files.reply(PROBLEM, "solve_cot", text))
    made = pages(run)
    part = shown(made, f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=0&part=1")
    assert len(part) < 3 * CUT
    link = next(link for link in Markup(part).addresses if link.startswith("/text?"))
    assert f"show all {len(text):,} characters" in part
    seen, address = "", link
    while address:
        page = shown(made, address)
        body = page.split('<div class="text whole">')[1].split("</div>")[0]
        assert len(body) <= LONG_CUT
        seen += body
        address = next((one for one in Markup(page).addresses if "page=" in one and one.endswith(f"page={len(seen) // LONG_CUT + 1}")), "") if len(seen) < len(text) else ""  # fmt: skip
    assert seen == text


def test_of_a_long_reply_what_follows_its_reasoning_is_open_and_else_its_end(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    thought = "<think>" + "first thought. " * 2000 + "last thought.</think>"
    replies = [f"{thought}The answer is \\boxed{{2}}.", thought.removesuffix("</think>")]
    for seed, text in enumerate(replies):
        write_rows(
            run / RECIPE / f"solutions/seed-{seed:02d}" / SHARD, run_files.reply(PROBLEM, "solve_cot", text, seed)
        )
    made = pages(run)
    opened = [
        shown(made, f"/solution?recipe={RECIPE}&id={PROBLEM}&seed={seed}").split("<details>")[0] for seed in (0, 1)
    ]
    assert "The answer is" in opened[0]
    assert "first thought" not in opened[0]
    assert "last thought." in opened[1]


def test_a_page_draws_only_so_many_formulas(tmp_path: Path) -> None:
    drawer = Drawer()
    drawn = sum("<math" in drawer.text(f"$x_{{{n}}}$" + " " * 1000).html for n in range(200))
    assert 20 < drawn < 100
    huge = Drawer().text("$" + "x^2+" * MAX_FORMULA_CHARS + "1$").html
    assert "<math" not in huge
    assert "x^2+" in huge


@pytest.mark.parametrize(
    "address",
    [
        "/problem",
        "/problem?id=nothing",
        "/thread?id=../../etc",
        "/solution?recipe=x&id=y&seed=0",
        f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=99",
        f"/solution?recipe={RECIPE}&id={PROBLEM}&seed=-1",
        f"/solution?recipe={RECIPE}/..&id={PROBLEM}&seed=0",
        f"/group?recipe={RECIPE}&id={PROBLEM}-g0",
        "/file?file=config.yaml",
        "/file?file=../../../etc/passwd",
        "/file?file=/etc/passwd",
        "/file?file=problems.jsonl&at=5",
        "/file?file=problems.jsonl&at=x",
        "/row?file=problems.jsonl&at=999999",
        "/row?file=problems.jsonl&at=" + "9" * 30,
        "/text?file=problems.jsonl&at=0&field=nothing",
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, address: str) -> None:
    made = pages(run_files.write_run(tmp_path))
    with pytest.raises(NotThereError):
        shown(made, address)


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        (THREAD, f"/thread?id={THREAD}"),
        (SILENT, f"/thread?id={SILENT}"),
        (PROBLEM, f"/problem?id={PROBLEM}"),
        (f"{PROBLEM}-1", f"/problem?id={PROBLEM}"),
        (f" {PROBLEM}-g0 ", f"/problem?id={PROBLEM}"),
        ("1+1", "/problems?q=1%2B1"),
        ("", "/problems?q="),
        ("0123456789abcdef", "/problems?q=0123456789abcdef"),
    ],
)
def test_the_search_field_knows_ids(tmp_path: Path, typed: str, page: str) -> None:
    assert pages(run_files.write_run(tmp_path)).find({"q": typed}).location == page


def test_a_given_problem_that_was_left_out_has_a_page_that_says_why(tmp_path: Path) -> None:
    run = tmp_path / "given"
    write_rows(run / "merged.jsonl", {"id": "first/1", "problem": "Find $1+1$."})
    write_rows(run / "dropped/read_problems.jsonl", {"id": "second/1", "reason": "duplicate", "problem": "Find $1+1$."})
    (run / "counts").mkdir()
    (run / "counts/read_problems.json").write_text("{}")
    made = pages(run)
    for name, told in (("first/1", "in merged.jsonl"), ("second/1", "the same problem occurs before")):
        address = made.find({"q": name}).location
        assert address.startswith("/problem?")
        assert told in Markup(shown(made, address)).text


def test_a_given_problem_that_was_classified_tells_its_replies_and_where_its_class_sent_it(tmp_path: Path) -> None:
    run = tmp_path / "given"
    row = {"id": "set.1", "problem": "Pick (A) or (B).", "forum_discussions": "It is (A)."}
    write_rows(run / "problems.jsonl", row)
    write_rows(run / "classified.jsonl", row | {"is_mcq": True})
    write_rows(
        run / "replies/classify_problems/shard-000-of-001.jsonl",
        {"id": "set.1", "prompt": "classify_mcq", "seed": 0, "text": "mcq"},
    )
    write_rows(run / "dropped/merge_data.jsonl", row | {"reason": "mcq"})
    (run / "counts").mkdir()
    (run / "counts/read_problems.json").write_text('{"to_classify": true}')
    made = pages(run)
    address = made.find({"q": "set.1"}).location
    assert address.startswith("/problem?")
    text = Markup(shown(made, address)).text
    for told in ("The problem as it was given", "It is (A).", "mcq", "Dropped"):
        assert told in text
    assert "first post states" not in text


def test_an_empty_run_and_one_whose_config_is_broken_have_pages(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    made = pages(empty)
    for address in ("/", "/problems?q=x", "/solutions", "/drops", "/threads", "/files"):
        assert "<main" in shown(made, address)
    assert "Nothing is in this run yet" in shown(made, "/")
    (empty / "config.yaml").write_text("run: [")
    assert "cannot be read" in shown(made, "/")


def test_a_run_that_goes_on_shows_what_is_there(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    for gone in ("majority", "judged"):
        (run / RECIPE / gone / SHARD).unlink()
    shutil.rmtree(run / RECIPE / "sft")
    text = Markup(shown(pages(run), f"/problem?id={PROBLEM}")).text
    assert f"{RECIPE}: 2 solutions" in text
    assert "not judged yet" in text


def test_bad_bytes_are_shown_as_what_they_are(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    with (run / "problems.jsonl").open("ab") as file:
        file.write(b'{"id":"\xff\xfe<b>"}\n' + dumps({"id": "last"}))
    html = shown(pages(run), "/file?file=problems.jsonl")
    assert "unreadable" in html
    assert "&lt;b&gt;" in html
    assert ">last<" in html
    assert "1 unreadable" in shown(pages(run), "/files?folder=")
