"""The report of a recipe: its numbers are the run's, its texts are escaped, parts may be missing."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
import run_files
from omr.report.distributions import length_bars, share_bars
from omr.report.samples import MAX_SHOWN_CHARS, split_solution
from omr.report.words import SHARE_GROUPS
from omr.servers.full_load import FullLoad
from omr.solutions.solution_figures import SolutionFigures
from omr.training.figures import read_figures
from row_shards import write_shard
from write_report import main


class Reader(HTMLParser):
    """The elements and the attributes of a page, and its visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str | None] = set()
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links.update(value for name, value in attrs if name in ("href", "src", "srcset"))

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def report(run: Path, *prompts: str) -> str:
    page = run / run_files.RECIPE / "report.html"
    arguments = ["--run", str(run), "--recipe", run_files.RECIPE, "--config", str(run / "config.yaml")]
    assert main([*arguments, "--prompts", *prompts, "--output", str(page)]) == 0
    return page.read_text(encoding="utf-8")


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.text = " ".join(reader.text.split())
    return reader


def test_model_text_never_becomes_markup(tmp_path: Path) -> None:
    page = report(run_files.write_run(tmp_path, run_files.HOSTILE))
    found = read(page)
    assert not found.elements & {"script", "img", "iframe", "link", "b>"}
    assert not [name for name in found.attributes if name.startswith("on")]
    # Contents of the page lead to its own sections.
    assert found.links
    assert all(link is not None and link.startswith("#") for link in found.links)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    page = report(run_files.write_run(tmp_path))
    assert not re.search(r"src\s*=|href\s*=\s*[\"']?[^\"'#]|url\(|@import|xlink", page)
    assert "default-src 'none'" in page


def test_the_numbers_are_those_of_the_counts(tmp_path: Path) -> None:
    text = read(report(run_files.write_run(tmp_path))).text
    assert "1 training row from forum threads" in text
    assert "3 forum threads read" in text
    assert "2 of 2 solutions judged 50.0% of 2 solutions are right" in text
    assert "1 the thread states no problem" in text
    assert "1 equals or contains a benchmark problem" in text
    assert "1 the final answer is wrong" in text
    # Two seeds of one request, 40 completion tokens and 2 failures each, at 2 USD a million: shown as cents.
    assert "solve generate_solutions solver 2 4 0 200 80 20.0 s unknown $0.00" in text
    assert "confirms it for 1 of 1 problem (" in text


def test_what_planted_instructions_did_is_told_by_kind_unless_the_measure_is_off(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert "Copies of a few threads" not in read(report(run)).text
    ends = {"planted": 5, "obeyed": 1, "resisted": 2, "unreadable": 2, "unanswered": 0}
    found = {"prompts": {"extract_answers": {"ignore_above": ends}}, "obeyed": {"count": 1, "of": 3, "share": 0.3333}}
    (run / "planted").mkdir()
    (run / "planted/report.json").write_bytes(orjson.dumps(found))
    text = read(report(run)).text
    assert "It was obeyed in 1 of 3 (33%) replies. These copies are in no data." in text
    assert "to ignore what stands above, and to write something else find answers 5 1 2 2 0" in text
    config = (run / "config.yaml").read_text()
    assert "per_kind: 3" in config
    (run / "config.yaml").write_text(config.replace("per_kind: 3", "per_kind: 0"))
    assert "Copies of a few threads" not in read(report(run)).text


def test_the_search_for_reposts_is_told_with_what_planted_copies_say_of_it(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    found = {"copies": {"paraphrased": {"planted": 8, "found": 6}, "respelled": {"planted": 0, "found": 0}}}
    found |= {"near_misses": {"renumbered": {"planted": 5, "taken_for_copies": 1}}}
    fates = ({"near_duplicate": 2}, "2 of them were dropped"), ({}, "they are kept, and marked")
    for drops, fate in fates:
        run_files.cpu(run, "deduplicate", 9, 9 - sum(drops.values()), drops, groups=1, marked=2, **found)
        text = read(report(run)).text
        assert f"Of 9 problems, 2 are reposts of others, in 1 group; {fate}." in text
        assert "in other words yes 8 6 75%" in text
        assert "with other numbers no 5 1 20%" in text
    run_files.cpu(run, "deduplicate", 9, 8, {"near_duplicate": 1}, groups=1, marked=1)
    assert "Of 9 problems, 1 is a repost of another, in 1 group; 1 of them was dropped." in read(report(run)).text
    run_files.cpu(run, "deduplicate", 9, 9, groups=0, marked=0)
    text = read(report(run)).text
    assert "0 are reposts of others, in 0 groups; none was dropped." in text
    assert "nothing says how well that works" in text


def test_servers_that_were_busy_for_long_enough_are_told_with_advice(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert "Were the servers busy?" not in report(run)
    load = FullLoad(100.0, 51_200.0, 0.0, 30.0, 7.0, 40_000.0, 100_000.0).as_json()
    for shard, seconds in (("shard-000-of-002", 100.0), ("shard-001-of-002", 10.0)):
        run_files.asked(run, "extract_problems", 9, shard, full_load=load | {"seconds": seconds})
    stages = run_files.config()["problems"]
    stages["extract_problems"]["shards"] = 2
    run_files.write_config(run, problems=stages)
    text = read(report(run)).text
    # Both shards together: 110 s, 102,400 request-seconds, 200,000 completion and 80,000 prompt tokens.
    assert "extract_problems solver 110.0 s 931 0 55% 14 1,891 the cache has room: raise concurrency , to" in text


def test_a_report_is_the_same_bytes_again(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert report(run) == report(run)


def test_cells_are_one_piece_beside_their_label_and_empty_ones_have_no_line(tmp_path: Path) -> None:
    page = report(run_files.write_run(tmp_path))
    # On a narrow screen what stands in a cell is laid out: text and paths beside each other must be one of its parts.
    paths = "<code>results/small/cot-small/dropped/</code>, <code>results/small/dropped/</code>"
    assert f'data-label="file"><div>{paths}</div></td>' in page
    assert 'data-label="model"></td>' in page
    assert ".cards td:empty { display: none }" in page


def test_parts_that_were_not_made_are_left_out(tmp_path: Path) -> None:
    run = tmp_path / "small"
    run_files.write_config(run)
    page = report(run)
    assert "No step has run." in page
    assert "No model was asked." in page
    run_files.write_problem_stages(run)
    page = report(run)
    assert "3" in page
    assert "There are no training rows." in page


def test_counts_of_other_numbers_of_shards_do_not_count(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    before = report(run)
    run_files.asked(run, "extract_problems", 999, shard="shard-000-of-007")
    run_files.asked(run / run_files.RECIPE, "generate_solutions/seed-02", 999)
    assert report(run) == before


def test_formulas_are_drawn_and_the_others_shown_as_source(tmp_path: Path) -> None:
    page = report(run_files.write_run(tmp_path, r"$\frac12$ and $\nosuchcommand{1}$"))
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in page
    assert r'<code class="tex">$\nosuchcommand{1}$</code>' in page


@pytest.mark.parametrize(("right", "of", "label"), [(0, 4, "none"), (4, 4, "all"), (1, 10, "≤10%"), (3, 4, "≤80%")])
def test_a_pass_rate_falls_into_its_bar(right: int, of: int, label: str) -> None:
    bars = dict(zip(SHARE_GROUPS, share_bars({(right, of): 3}), strict=True))
    assert {name: n for name, n in bars.items() if n} == {label: 3}


@pytest.mark.parametrize("lengths", [[5, 16_000], [9], [10_000, 10_400], [900_000, 99], [0]])
def test_bars_hold_every_length_once_and_none_falls_between(lengths: list[int]) -> None:
    labels, values = length_bars({"rows": Counter(lengths), "others": Counter({lengths[0]: 2})})
    assert [sum(found) for found in values.values()] == [len(lengths), 2]
    assert 1 <= len(labels) <= 100
    assert len(labels) == len(values["rows"]) == len(values["others"])


def test_reasoning_and_solution_are_told_apart() -> None:
    assert split_solution("<think>\na\n</think>\n\nb") == ("a", "b")
    assert split_solution("only this") == ("", "only this")


def test_what_a_row_took_is_told_with_the_numbers_of_the_files(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    text = read(report(run)).text
    product = read_figures([run / run_files.RECIPE / "figures/shard-000-of-001.json"])
    told = re.search(
        r"([\d,]+) solutions? of ([\d,]+) problems? became ([\d,]+) training rows? of ([\d,]+) problem", text
    )
    assert told is not None
    solutions, problems, rows, solved = (int(number.replace(",", "")) for number in told.groups())
    assert (rows, solved) == (product.rows, product.problems)
    assert f"{solutions / rows:,.1f} solutions per row" in text
    assert problems >= solved
    assert "by a table or in rounds" not in text


def test_tokens_that_no_server_counted_are_unknown_and_not_zero(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    home = run / run_files.RECIPE
    before = read(report(run)).text
    assert "unknown tokens written by models" not in before
    none = {"prompt_tokens": 0, "completion_tokens": 0}
    run_files.asked(run, "extract_problems", 3, without_usage=3, **none)
    assert "≥ 80 tokens written by models" in read(report(run)).text
    for seed in ("00", "01"):
        run_files.asked(home, f"generate_solutions/seed-{seed}", 1, without_usage=1, **none)
    text = read(report(run)).text
    assert "unknown tokens written by models" in text
    assert "all 5 0 0 unknown unknown" in text


def test_sharing_is_told_only_where_it_saved_questions(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    path = run / run_files.RECIPE / "counts/select_judgements/shard-000-of-001.json"
    counts = {"read": 9, "passed": 9, "written": 9, "dropped": {}, "answers": 48, "symbolic": 36, "llm_calls": 12}
    run_files.write_counts(path, **counts, calls_saved_by_sharing=0)
    assert "judged once" not in read(report(run)).text
    run_files.write_counts(path, **counts, calls_saved_by_sharing=5)
    assert "judged once, which saved 5 of 17 questions" in read(report(run)).text


def test_numbers_of_problems_before_and_after_decontamination_are_told_apart(tmp_path: Path) -> None:
    text = read(report(run_files.write_run(tmp_path))).text
    assert "1 problem, free of benchmarks" in text
    assert "These are the 2 problems before reposts of others (0) and problems of benchmarks (1) were removed." in text


def test_replies_that_people_authored_are_not_told_as_a_models(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert "authored" not in read(report(run)).text
    model = {"path": "authored", "server": "replay", "replies": "replies"}
    run_files.write_config(run, models={"solver": model})
    text = read(report(run)).text
    assert "no model wrote them" in text
    assert "written by models" not in text


def test_prompts_are_shown_word_for_word(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert "The prompts" not in read(report(run)).text
    path = tmp_path / "solve_here.yaml"
    path.write_text("system: You <b>solve</b>.\nuser: |\n  What is {{ problem }}?\n")
    page = report(run, str(path))
    assert "solve_here.yaml" in read(page).text
    assert '<pre class="prompt">You &lt;b&gt;solve&lt;/b&gt;.</pre>' in page
    assert '<pre class="prompt">What is {{ problem }}?</pre>' in page


def test_enormous_texts_are_cut_and_the_page_says_so(tmp_path: Path) -> None:
    page = report(run_files.write_run(tmp_path, "long " * 40_000))
    assert len(page) < 20 * MAX_SHOWN_CHARS
    text = read(page).text
    # The problem stands behind 15 characters, `What is $1+1$? `.
    assert f"… and {15 + 200_000 - MAX_SHOWN_CHARS:,} more characters, which are not on this page" in text


def test_a_step_that_reads_another_number_than_the_one_before_wrote_says_why(tmp_path: Path) -> None:
    text = read(report(run_files.write_run(tmp_path))).text
    assert "threads 3 2 2 1 the thread states no problem" in text
    assert "Make training rows of what is left It reads all judged solutions once more." not in text
    run = run_files.write_run(tmp_path / "other")
    home = run / run_files.RECIPE / "counts"
    counts = {"read": 2, "passed": 1, "written": 1, "dropped": {"wrong": 1}}
    run_files.write_counts(home / "select_traces/shard-000-of-001.json", **counts)
    run_files.write_counts(home / "merge_summaries/shard-000-of-001.json", **counts | {"read": 1, "dropped": {}})
    assert "Make training rows of what is left It reads all judged solutions once more." in read(report(run)).text


def test_solutions_that_were_not_judged_are_told_of(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert "cannot be judged" not in read(report(run)).text
    path = run / run_files.RECIPE / "counts/fill_majority_answer/shard-000-of-001.json"
    counts = {"read": 2, "passed": 1, "written": 2, "dropped": {"no_readable_answer": 1}}
    run_files.write_counts(path, **counts, solutions={"answered": 2, "unfinished": 2})
    assert "These are 2 of the 4 solutions" in read(report(run)).text


def test_recipes_stand_beside_each_other_and_those_that_are_not_made_are_named(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    assert "The recipes beside each other" not in read(report(run)).text
    recipes = run_files.config()["recipes"]
    recipe = recipes[run_files.RECIPE]
    both = {run_files.RECIPE: recipe, "cot-later": recipe, "cot-other": recipe}
    run_files.write_config(run, recipes=both, recipes_to_run=list(both))
    other, shard = run / "cot-other", "shard-000-of-001.json"
    rows = {"read": 9, "passed": 6, "written": 6, "dropped": {"wrong": 3}}
    # A request that failed for good is no solution.
    endings = {"answered": 9, "failed": 1}
    run_files.write_counts(other / "counts/fill_majority_answer" / shard, **rows | {"read": 5}, solutions=endings)
    run_files.write_counts(other / "counts/merge_judgements" / shard, **rows, judgement={"yes": 6, "no": 3})
    run_files.write_counts(other / "counts/prepare_sft" / shard, **rows)
    run_files.asked(other, "generate_solutions/seed-00", 9)
    text = read(report(run)).text
    assert "cot-other reasoning some/solver 5 9 6 (66.7%) 6 90 unknown" in text
    assert "cot-small reasoning, this page some/solver 1 2 1 (50.0%) 1 80 unknown" in text
    assert "Not finished when this page was written: cot-later." in text


def test_wrong_and_dropped_solutions_stand_beside_right_ones(tmp_path: Path) -> None:
    run = run_files.write_run(tmp_path)
    text = read(report(run)).text
    assert "Wrong ones the final answer is wrong 00112233445566aa-1-1 What is" in text
    assert "its answer 3 expected answer 2 vote 1 of 2 judged wrong judged by a model" in text
    assert "the solution, 14 characters fine 3 reasoning, 8 characters Hm. fine" in text
    assert "Others that were dropped" not in text
    rows = [{"id": "00-1", "seed": seed, "judgement": "yes", "problem": "Why?"} for seed in range(3)]
    said: list[list[str | int]] = [
        ["prose", "I **run** it.", 0],
        ["code", "print('<b>')", 0],
        ["output", "<b>", 9],
        ["prose", "So.", 0],
    ]
    dropped = [
        (rows[0] | {"said": said}, "too_long"), (rows[1] | {"said": []}, "failed"), (rows[2] | {"said": said}, "too_long")
    ]  # fmt: skip
    write_shard(run / run_files.RECIPE, [], solutions=SolutionFigures(), dropped=dropped)
    page = report(run)
    text = read(page).text
    assert "longer than the bound 00-1-" in text
    assert text.count("longer than the bound 00-1-") == 1
    assert "the request failed for good 00-1-1 Why?" in text
    assert "nothing was said" in text
    assert "<strong>run</strong>" in page
    assert '<pre class="code">print(&#39;&lt;b&gt;&#39;)</pre>' in page
