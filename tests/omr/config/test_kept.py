"""Copies that jobs read: of which files, and when these are others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from omr.config.kept import edition_of, kept_prompt, kept_texts, source_of, texts_of, with_texts
from omr.models.model import ModelSpec


def spec(**fields: Any) -> ModelSpec:
    return ModelSpec(name="m", **({"path": "org/name", "server": "vllm"} | fields))


def test_a_copy_of_a_prompt_leads_to_its_source() -> None:
    assert source_of(kept_prompt("solve_cot").format(run="demo")) == Path("prompts/solve_cot.yaml")
    assert source_of("results/demo/prompts/planted/x.yaml") == Path("prompts/planted/x.yaml")
    assert source_of("elsewhere/p.yaml") == Path("elsewhere/p.yaml")


def test_an_edition_follows_from_names_and_content_alone(tmp_path: Path) -> None:
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path in paths:
        path.write_text(path.name)
    before = edition_of(paths)
    os.utime(paths[0], (1, 1))
    (tmp_path / "moved").mkdir()
    moved = [path.rename(tmp_path / "moved" / path.name) for path in paths]
    assert edition_of(moved) == before
    moved[0].write_text("a.yamlb.yaml 6 b.yaml")
    moved[1].write_text("")
    assert edition_of(moved) != before
    assert edition_of([tmp_path / "nowhere"]) == edition_of([tmp_path / "else/nowhere"])


def test_texts_of_a_model_are_its_authored_replies_and_all_that_its_template_is_read_from(tmp_path: Path) -> None:
    for name in ("chat_template.jinja", "tokenizer_config.json", "solve.yaml", "weights.bin"):
        (tmp_path / name).touch()
    template, replies = str(tmp_path / "chat_template.jinja"), {"server": "authored", "replies": str(tmp_path)}
    found = texts_of(spec(chat_template=template, **replies))
    assert [Path(path).name for path in found] == ["solve.yaml", "chat_template.jinja", "tokenizer_config.json"]
    assert texts_of(spec(chat_template=str(tmp_path))) == found[1:]
    kept = with_texts(spec(chat_template=template, **replies), Path("kept"))
    assert (kept.chat_template, kept.replies) == ("kept/chat_template.jinja", "kept")
    assert with_texts(spec(chat_template=str(tmp_path)), Path("kept")).chat_template == "kept"


def test_a_chat_template_is_kept_where_it_is_written_out_and_replies_always() -> None:
    with_template = spec(chat_template="t.jinja")
    folder = "results/{run}/model_texts/m"
    assert (kept_texts(with_template), kept_texts(with_template, runs_code=True)) == ([], [folder])
    assert (kept_texts(spec(), runs_code=True), kept_texts(spec(server="authored", replies="r"))) == ([], [folder])
