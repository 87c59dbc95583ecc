"""Every number on the demo's reports, counted here again from the run's rows, replies and dropped rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median_low
from typing import Any

import orjson
import pytest
from report_files import Row, Run, bars, counted, group, number, rows, share, shares_of, two_digits
from workflow.projects import Project

RECIPES = ("cot-qwq", "cot-r1", "cot-few", "tir-openmath", "genselect-qwq")


# ---- the funnel ------------------------------------------------------------------------------------------------------

#: Where the rows are that a stage wrote; of a recipe's stages below its folder.
PROBLEM_FILES = {
    "prepare_raw_data": "raw_aops_data", "parse_problems": "problems", "parse_classes": "classified",
    "parse_answers": "answers", "parse_conversions": "converted", "parse_proofs": "proofs", "merge_data": "merged", "deduplicate": "deduplicated",
    "decontaminate": "decontaminated",
}  # fmt: skip
RECIPE_FILES = {
    "fill_majority_answer": "votes", "settle_votes": "majority", "merge_judgements": "judged",
    "clean_code_solutions": "cleaned", "select_by_code": "selected",
    "select_traces": "traces", "merge_summaries": "summarized", "form_groups": "groups",
    "parse_selections": "selected", "merge_selection_summaries": "summarized",
}  # fmt: skip
#: What a row of a stage was read as, where several become of one.
READ_AS: dict[str, Callable[[Row], Any]] = {
    "parse_problems": lambda row: row["thread_id"],
    "fill_majority_answer": lambda row: row["id"],
    "cut_fragments": lambda row: row["id"].rpartition("-")[0],
    "form_groups": lambda row: row["problem_id"],
}
#: Reasons that parts of a row are dropped for, not the row.
PARTS = {
    "cut_fragments": {"timeout", "traceback"},
    "form_groups": {"over_tokens", "candidate_too_long", "think_tag_in_text", "control_token_in_text",
                    "looks_like_heading", "equal_text", "right_and_wrong"},
}  # fmt: skip


def check_funnel(run: Run) -> None:
    stages = {cells[0].rpartition(" ")[2]: cells for cells in run.table("From threads to training rows").rows[1:]}
    assert len(stages) > 9
    for stage, (_, _, read, passed, _, became, why) in stages.items():
        home = run.run if stage in PROBLEM_FILES else run.home
        if stage in ("prepare_sft", "prepare_selections"):
            written = run.product
        elif stage in PROBLEM_FILES:
            written = rows(run.run / f"{PROBLEM_FILES[stage]}.jsonl")
        elif stage == "cut_fragments":  # whose file is gone: what the model was asked about
            written = list({reply["id"]: reply for reply in rows(run.home / "replies/judge_code")}.values())
        elif stage == "select_comparisons":
            written = list(
                {reply["id"]: reply for reply in rows(run.home / "replies/generate_selection_summaries")}.values()
            )
        else:
            written = rows(run.home / RECIPE_FILES[stage])
        dropped = run.dropped(stage, home)
        whole = len({READ_AS[stage](row) for row in written}) if stage in READ_AS else len(written)
        lost = sum(n for reason, n in dropped.items() if reason not in PARTS.get(stage, ()))
        assert number(became) == len(written), stage
        whole_rows, _, in_parts = why.partition("; parts that were left out:")
        of_parts = {reason: n for reason, n in dropped.items() if reason in PARTS.get(stage, ())}
        of_rows = dropped - Counter(of_parts)
        for told, found in ((whole_rows, of_rows), (in_parts, of_parts)):
            assert [number(line.split()[0]) for line in told.split("; ")[1:]] == sorted(found.values(), reverse=True), (
                stage
            )
        if stage == "cut_fragments":  # a solution all of whose blocks are dropped is written as nothing
            assert number(read) == number(passed) == len(rows(run.home / "cleaned"))
        else:
            assert (number(passed), number(read)) == (whole, whole + lost), stage


def check_tiles(run: Run) -> None:
    tiles = run.page.tiles
    assert number(tiles["forum threads read"]) == len(rows(run.root / "tests/data/demo/threads.jsonl"))
    assert number(tiles["problems, free of benchmarks"]) == len(run.clean)
    assert number(tiles["problems in the training rows"]) == len({row["problem_id"] for row in run.product})
    assert f"{len(run.product)} training rows from forum threads" in (run.home / "report.html").read_text()
    if not run.is_selection:
        verdicts, made = Counter(row["judgement"] for row in run.judged), len(run.answered)
        assert number(tiles[f"of {made} solutions judged"]) == verdicts["yes"] + verdicts["no"]
        assert tiles[f"of {made} solutions are right"] == share(verdicts["yes"], made)


# ---- answers, votes, pass rates, lengths ------------------------------------------------------------------------------


def check_answers(run: Run) -> None:
    merged = Counter(row["problem_type"] for row in rows(run.run / "merged.jsonl"))
    words = {
        "the discussion states the answer": "has_answer_extracted",
        "no answer in the discussion: the vote decides": "no_answer_extracted",
        "restated from a proof: the vote decides": "converted_proof",
    }
    told = shares_of(run.table("Where the expected answers come from"))
    assert {words[name]: n for name, n in told.items()} == merged
    reposts, removed = (run.dropped(stage, run.run).total() for stage in ("deduplicate", "decontaminate"))
    before = f"These are the {merged.total()} problems before"
    told = f"{before} reposts of others ({reposts}) and problems of benchmarks ({removed}) were removed."
    assert told in run.page.paragraphs
    ended = shares_of(run.table("How the solutions ended"))
    assert sum(ended.values()) == len(run.answered)
    assert run.table("How the solutions ended").rows[0][-1] == f"share of {len(run.answered)}"
    failed = len(run.solutions) - len(run.answered)
    assert any("failed for good, and gave no solution" in line for line in run.page.paragraphs) == bool(failed)
    # At the token limit, or in code that was not to be run.
    cut = [row for row in run.answered if row["finish_reason"] == "length" or row.get("ended", "stop") != "stop"]
    assert ended.get("not finished", 0) == len(cut)
    told_of_code = "or ended with code that was not run" in " ".join(run.page.paragraphs)
    assert told_of_code == (run.runs_code and bool(cut))
    answered = sum(row["predicted_answer"] is not None and row["finished"] for row in run.judged)
    others = len(run.answered) - len(
        run.looked_at
    )  # nobody knows an answer to these problems: some of them may have one
    assert answered <= ended["finished, with a final answer"] <= answered + others
    check_verdicts(run)


def check_verdicts(run: Run) -> None:
    verdicts = Counter(row["judgement"] for row in run.looked_at)
    words = {"right": "yes", "wrong": "no", "not judged": "unjudged"}
    told = shares_of(run.table("Verdicts on the solutions"))
    assert {words[name]: n for name, n in told.items()} == verdicts
    text = " ".join(run.page.paragraphs)
    judges = Counter(row["judged_by"] for row in run.judged)
    assert f"settled {counted(judges['symbolic'], 'verdict')}; a model gave {judges['llm']}." in text
    unjudged = Counter(row["unjudged_reason"] for row in run.looked_at if row["judgement"] == "unjudged")
    if unjudged:
        line = next(line for line in run.page.paragraphs if line.startswith("Not judged: "))
        assert sorted(int(part) for part in line.replace(",", " ").split() if part.isdigit()) == sorted(
            unjudged.values()
        )
    made = len(run.answered)
    assert (made > len(run.looked_at)) == (f"These are {len(run.looked_at)} of the {made} solutions" in text)
    known = [row for row in by_first(run.judged) if row["answer_source"] == "extracted"]
    agrees = Counter(row["majority_agrees"] for row in known)
    assert f"confirms it for {agrees[True]} of {counted(len(known), 'problem')} (" in text
    assert f"gives another one for {agrees[False]}, and {agrees[None]} cannot be compared." in text


def by_first(judged: Iterable[Row]) -> list[Row]:
    """One row of each problem."""
    return list({row["id"]: row for row in judged}.values())


def check_distributions(run: Run) -> None:
    problems = run.by_problem()
    votes: dict[str, Counter[str]] = {"the answer was given": Counter(), "the vote gives the answer": Counter()}
    rates, lengths = Counter[str](), defaultdict(list)
    silent = run.dropped("fill_majority_answer")["no_readable_answer"]
    for judged in problems.values():
        source = "the answer was given" if judged[0]["answer_source"] == "extracted" else "the vote gives the answer"
        silent += not judged[0]["total_votes"]
        if judged[0]["total_votes"]:
            votes[source][group(judged[0]["majority_votes"], judged[0]["total_votes"])] += 1
        not_right = {"unfinished", "no_answer", "several_answers"}
        known = [row for row in judged if row["judgement"] != "unjudged" or row["unjudged_reason"] in not_right]
        right = sum(row["judgement"] == "yes" for row in known)
        rate = group(right, len(known)) if known else "unknown"
        rates[rate] += bool(known)
        for row in (row for row in judged if row["unjudged_reason"] != "failed"):
            kind = "right" if row["judgement"] == "yes" else "wrong or not judged"
            lengths[kind, rate if row in known else "unknown"].append(two_digits(row["completion_tokens"]))
    told = bars(run.table("How clear the votes are"))
    assert {name: found for name, found in told.items() if found} == {name: n for name, n in votes.items() if n}
    asked = problems_asked(run)
    text = " ".join(run.page.paragraphs)
    assert f"it is unknown for {asked - rates.total()} of {asked} problems that the model was asked about." in text
    assert (f"Of {counted(silent, 'further problem')} no solution states an answer" in text) == bool(silent)
    assert bars(run.table("Pass rate: how many of a problem's solutions are right")) == {"problems": +rates}
    by_rate = bars(run.table("Length against pass rate: are harder problems thought about for longer?"))
    middle: dict[str, dict[str, int]] = {"right": {}, "wrong": {}}
    for (kind, rate), found in lengths.items():
        if rate != "unknown":
            middle[kind.split()[0]][rate] = median_low(found)
    assert by_rate == middle
    for kind, told_lengths in bars(run.table("Length of the solutions")).items():
        check_lengths(
            told_lengths, [length for (name, _), found in lengths.items() if name == kind for length in found]
        )


def check_lengths(told: dict[str, int], lengths: list[int]) -> None:
    """Bars hold what is below their labels, and not below the label before."""
    units = {"k": 1e3, "M": 1e6}
    bounds = sorted((float(label.rstrip("kM")) * units.get(label[-1], 1), n) for label, n in told.items())
    assert sum(n for _, n in bounds) == len(lengths)
    for bound, _ in bounds:
        assert sum(n for other, n in bounds if other <= bound) == sum(length < bound for length in lengths)


def check_rows(run: Run) -> None:
    card = (run.home / "dataset/README.md").read_text()
    reasoned, made = sum(row["generated_solution"].startswith("<think>") for row in run.product), len(run.product)
    if not run.is_selection:
        some = f"{reasoned} of {made} with reasoning" if reasoned else "without reasoning"
        assert ("each with its reasoning" if reasoned == made else some) in card
    assert ("## Reasoning in training" in card) == bool(reasoned)
    told = bars(run.table("Length of the training rows"))["rows"]
    check_lengths(told, [two_digits(len(row["generated_solution"])) for row in run.product])


# ---- requests and recipes ----------------------------------------------------------------------------------------------


def replies_of(run: Path, recipe: str, stage: str) -> list[Row]:
    if stage == "generate_solutions":
        return rows(run / recipe / "solutions")
    own = run / recipe / "replies" / stage
    return rows(own if own.exists() else run / "replies" / stage)


def tokens(replies: Iterable[Row], kind: str) -> int:
    return sum(reply["usage"][kind] for reply in replies if reply["usage"])


def problems_asked(run: Run) -> int:
    """The problems that a recipe's model was asked about: a plan may want no solution of some."""
    return len({reply["id"] for reply in run.solutions})


def check_costs(run: Run) -> None:
    table = run.table("Requests, tokens, time and cost")
    total = Counter[str]()
    for first, model, *numbers in table.rows[1:-1]:
        stage = first.rpartition(" ")[2]
        found = replies_of(run.run, run.recipe, stage)
        told = dict(zip(("requests", "failed", "cut", "prompt", "completion"), map(number, numbers[:5]), strict=True))
        assert told["requests"] == len(found), stage
        assert told["failed"] == sum(reply["error"] is not None for reply in found)
        assert told["cut"] == sum(reply["finish_reason"] == "length" for reply in found), stage
        assert told["prompt"] == tokens(found, "prompt_tokens"), stage
        assert told["completion"] == tokens(found, "completion_tokens"), stage
        assert {reply["model"] for reply in found} <= {model}
        # A server of authored replies costs nothing.
        assert numbers[6:] == ["0.00", "$0.00"]
        total.update(told)
    assert [number(cell) for cell in table.rows[-1][2:7]] == list(total.values())
    said = run.page.tiles["tokens of replies, which people authored"]
    assert said == f"{total['completion'] / 1000:.3g}k"
    if not run.is_selection:
        made, problems = len(run.answered), len({row["problem_id"] for row in run.product})
        sentence = (
            f"{made} solutions of {problems_asked(run)} problems became {len(run.product)} training rows of {problems}"
        )
        assert any(line.startswith(sentence) for line in run.page.paragraphs)


def check_recipes(run: Run) -> None:
    cells = run.table("The recipes beside each other").cells
    assert [first.split()[0] for first in cells] == list(RECIPES)
    for first, (model, problems, solutions, right, _, made, written, hours) in cells.items():
        other = Run(run.root, first.split()[0])
        assert number(made) == len(other.product)
        assert model == run.config["models"][run.config["recipes"][other.recipe]["model"]]["path"]
        assert number(problems) == (len(run.clean) if other.is_selection else problems_asked(other))
        stages = [path.name for path in (other.home / "replies").iterdir()]
        replies = [reply for stage in stages for reply in replies_of(run.run, other.recipe, stage)] + other.solutions
        assert number(written) == tokens(replies, "completion_tokens")
        assert hours == "0.00"
        if other.is_selection:
            picked = rows(other.home / "selected")
            # Also those that cannot be read, as solutions of other recipes that nobody could judge.
            chosen = {reply["id"] for reply in replies if reply["prompt"] == "select_solution" and not reply["error"]}
            made_here = len(chosen)
            assert (number(solutions), right) == (made_here, f"{len(picked)} ({share(len(picked), made_here)})")
        else:
            yes = sum(row["judgement"] == "yes" for row in other.judged)
            assert (number(solutions), right) == (len(other.answered), f"{yes} ({share(yes, len(other.answered))})")


# ---- decontamination, trust ---------------------------------------------------------------------------------------------


def check_contamination(run: Run) -> None:
    report = orjson.loads((run.run / "contamination/report.json").read_bytes())
    dropped = rows(run.run / "dropped/decontaminate.jsonl")
    nets = ("exact", "ngrams", "tfidf")
    for name, (size, *numbers, why) in run.table("Decontamination").cells.items():
        own = [row["reason"] for row in dropped if row["benchmark"] == name]
        entry = report["benchmarks"][name]
        assert number(size) == len(rows(run.root / f"tests/data/demo/benchmarks/{name}.jsonl"))
        found = [entry["matched"].get(net, 0) for net in nets]
        assert [number(cell) for cell in numbers] == [*found, entry["judged"], entry["unreadable"], len(own)]
        assert [number(line.split()[0]) for line in why.split("; ")[1:]] == sorted(Counter(own).values(), reverse=True)
    planted = Counter(row["kind"] for row in rows(run.run / "contamination/canaries.jsonl"))
    words = {
        "copied word for word": "verbatim", "the same in other words": "paraphrased", "with other numbers": "renumbered"
    }  # fmt: skip
    for name, (size, *shares) in run.table("Do the nets catch what they should?").cells.items():
        entry = report["canaries"][words[name]]
        assert number(size) == planted[words[name]]
        told = [entry["caught"][net] for net in nets]
        told += [entry[key] for key in ("caught_by_any_net", "confirmed_by_model", "removed")]
        assert shares == [f"{share(one['count'], one['of'])} ({one['count']} of {one['of']})" for one in told]
    copies = [report["canaries"][kind]["removed"] for kind in ("verbatim", "paraphrased")]
    removed, of = sum(one["count"] for one in copies), sum(one["of"] for one in copies)
    assert any(f"{removed} of {of} (100%) were removed" in line for line in run.page.paragraphs)


def check_reposts(run: Run) -> None:
    report = orjson.loads((run.run / "duplicates/report.json").read_bytes())
    groups, dropped = rows(run.run / "duplicates/groups.jsonl"), rows(run.run / "dropped/deduplicate.jsonl")
    merged, marked = rows(run.run / "merged.jsonl"), sum(len(group["members"]) - 1 for group in groups)
    are = "is a repost of another" if marked == 1 else "are reposts of others"
    told = f"Of {len(merged)} problems, {marked} {are}, in {counted(len(groups), 'group')}; {len(dropped)} of them w"
    assert any(told in line for line in run.page.paragraphs)
    kinds = [*report["copies"].values(), *report["near_misses"].values()]
    cells = [[number(cell) for cell in row[2:4]] for row in run.table("Does the search know a repost?").rows[1:]]
    assert cells == [list(kind.values()) for kind in kinds]


def check_trust(run: Run) -> None:
    report = orjson.loads((run.run / "planted/report.json").read_bytes())
    ends = [kinds for prompts in report["prompts"].values() for kinds in prompts.values()]
    told = run.table("Do models obey what a thread tells them?").rows[1:]
    names = ("planted", "obeyed", "resisted", "unreadable", "unanswered")
    assert [[number(cell) for cell in row[2:]] for row in told] == [[kind[name] for name in names] for kind in ends]
    obeyed, readable = (sum(kind[name] for kind in ends) for name in ("obeyed", "planted"))
    readable -= sum(kind["unreadable"] + kind["unanswered"] for kind in ends)
    assert any(f"It was obeyed in {obeyed} of {readable} (" in line for line in run.page.paragraphs)
    classified = rows(run.run / "classified.jsonl")
    always = [table for table in run.page.tables if table.name == "Does anyone always say the same?"]
    for name, verdict, times, of in (row for table in always for row in run.table(table.name).rows[1:]):
        if name.endswith("(parse_classes)"):
            verdicts = [row[name.split()[0]] for row in classified if row[name.split()[0]] is not None]
            assert (number(times), number(of)) == (sum(str(one).lower() == verdict for one in verdicts), len(verdicts))
    few = next((line for line in run.page.paragraphs if line.startswith("Fewer than 20 replies could be read")), "")
    for kind in ("is_proof", "is_mcq", "is_binary", "is_invalid"):
        readable = sum(row[kind] is not None for row in classified)
        assert (f"{kind} (parse_classes)" in few) == (0 < readable < 20), (kind, readable)
    check_audit(run)


def check_audit(run: Run) -> None:
    """Pairs that a comparison had settled, and that a judge was asked about as well."""
    said = (
        {} if run.is_selection else {row["id"]: row["text"] or "" for row in rows(run.home / "replies/judge_answers")}
    )
    asked, agrees = Counter[str](), Counter[str]()
    for pair in [] if run.is_selection else rows(run.home / "comparisons"):
        if pair["id"] in said and pair["comparison"] != "unknown":
            asked[pair["comparison"]] += 1
            verdict = {"equal": "Judgement: Yes", "different": "Judgement: No"}[pair["comparison"]]
            agrees[pair["comparison"]] += verdict in said[pair["id"]]
    words = {"proven to be the same answer": "equal", "proven to be different answers": "different"}
    tables = [table for table in run.page.tables if table.name == "Does the judge agree with proofs?"]
    assert len(tables) == bool(asked)
    for table in tables:
        run.checked.add(table.name)
        told = {words[name]: cells for name, cells in table.cells.items()}
        assert told == {pair: [str(n), str(agrees[pair]), f"{agrees[pair] / n:.0%}"] for pair, n in asked.items()}


# ---- code, selections ---------------------------------------------------------------------------------------------------


def check_code(run: Run) -> None:
    blocks = [len(reply["steps"]) for reply in run.solutions]
    told = bars(run.table("Blocks of code that a solution ran"))["solutions"]
    assert told == {str(n) if n < 8 else "8+": blocks.count(n) for n in sorted(set(blocks))}
    statuses = Counter(step[-1] for reply in run.solutions for step in reply["steps"])
    assert sorted(shares_of(run.table("How blocks ended")).values()) == sorted(statuses.values())
    assert sum(shares_of(run.table("How solutions ended")).values()) == len(run.answered)
    text = " ".join(run.page.paragraphs)
    turns = sum(reply["turns"] for reply in run.solutions)
    assert f"ran {sum(blocks)} blocks, and their server was called {turns} times" in text
    used = Counter((reply["executions_allowed"], len(reply["steps"])) for reply in run.solutions)
    table = run.table("Blocks that were allowed, and blocks that were run")
    columns = [int(name.split()[0]) for name in table.rows[0][1:]]
    for name, cells in table.cells.items():
        assert [number(cell) for cell in cells] == [used[int(name.split()[0]), column] for column in columns]
    votes = Counter[str]()
    for reply in rows(run.home / "replies/judge_code"):
        votes[reply["prompt"]] += 1
    worth, cast = (table for table in run.page.tables if table.name == "Was the code worth running?")
    run.checked.add(worth.name)
    assert sum(shares_of(worth).values()) == len({reply["id"] for reply in rows(run.home / "replies/judge_code")})
    by_question = Counter[str]()
    for row in cast.rows[1:]:
        by_question[row[0]] += number(row[2])
    assert set(by_question.values()) <= set(votes.values())


def check_selections(run: Run) -> None:
    picked, wrong = len(rows(run.home / "selected")), run.dropped("parse_selections")["wrong_pick"]
    line = f"Of {picked + wrong} choices that could be read, {share(picked, picked + wrong)} are right."
    assert any(found.startswith(line) for found in run.page.paragraphs)
    assert number(run.page.tiles["groups of solutions"]) == len(rows(run.home / "groups"))
    assert run.page.tiles[f"of {picked + wrong} readable choices are right"] == share(picked, picked + wrong)
    dropped = {row["id"] for row in rows(run.home / "dropped/parse_selections") if row["reason"] == "wrong_pick"}
    read = {row["id"] for row in rows(run.home / "selected")} | dropped
    groups = [group for group in rows(run.home / "groups") if group["id"] in read]
    sizes = Counter(str(len(one["candidates"])) for one in groups)
    assert {name: number(cells[0]) for name, cells in run.table("By size of the group").cells.items()} == sizes
    sources = Counter(one["answer_source"] for one in groups)
    told = run.table("By where the right answer is from").cells
    assert sorted(number(cells[0]) for cells in told.values()) == sorted(sources.values())
    positions = run.table("By position").cells
    assert sum(number(cells[1]) for cells in positions.values()) == len(groups)
    for name, cells in positions.items():
        assert number(cells[0]) == sum(len(one["candidates"]) > int(name) for one in groups)


@pytest.mark.workflow
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_number_of_a_report_is_that_of_the_files(finished_demo: Project, recipe: str) -> None:
    check_page(Run(finished_demo.folder, recipe))


def check_page(run: Run) -> None:
    for check in (
        check_tiles,
        check_funnel,
        check_rows,
        check_costs,
        check_recipes,
        check_reposts,
        check_contamination,
        check_trust,
    ):
        check(run)
    if run.is_selection:
        check_selections(run)
    else:
        check_answers(run)
        check_distributions(run)
    if run.runs_code:
        check_code(run)
    # A table that nobody counts again has no place on the page.
    assert {table.name for table in run.page.tables} - run.checked == {"Where things are"}
