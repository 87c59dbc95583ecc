"""Chat templates rendered here: as transformers renders them, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from omr.errors import UserError
from omr.turns.chat_template import load_template

MESSAGES = [{"role": "system", "content": "Be <brief>."}, {"role": "user", "content": "1 < 2? {{ x }} é"}]
QWEN = """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'system' %}{% continue %}{% endif %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content | trim + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n<think>\\n' }}
{%- endif %}"""
RENDERED = (
    "<|im_start|>system\nBe <brief>.<|im_end|>\n<|im_start|>user\n1 < 2? {{ x }} é<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n"
)


def folder(tmp_path: Path, config: object = None, own: str | None = None) -> Path:
    if config is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    if own is not None:
        (tmp_path / "chat_template.jinja").write_text(own)
    return tmp_path


@pytest.mark.parametrize(
    ("config", "own"),
    [
        ({"chat_template": QWEN}, None),
        ({"chat_template": [{"name": "tool_use", "template": "x"}, {"name": "default", "template": QWEN}]}, None),
        ({"chat_template": "an older one"}, QWEN),
        (None, QWEN),
    ],
)
def test_a_template_is_found_in_each_of_its_places(tmp_path: Path, config: object, own: str | None) -> None:
    template = load_template(folder(tmp_path, config, own))
    assert template.render(MESSAGES, keep_bos=True) == RENDERED


def test_a_file_of_its_own_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text(QWEN)
    assert load_template(path).render(MESSAGES, keep_bos=True) == RENDERED


def test_a_first_token_is_left_out_where_the_server_adds_it(tmp_path: Path) -> None:
    config = {"chat_template": "{{ bos_token }}{{ messages[0].content }}", "bos_token": {"content": "<s>"}}
    template = load_template(folder(tmp_path, config))
    assert [template.render(MESSAGES, keep_bos=keep) for keep in (True, False)] == ["<s>Be <brief>.", "Be <brief>."]
    config["add_bos_token"] = False
    template = load_template(folder(tmp_path, config))
    assert template.render(MESSAGES, keep_bos=False) == "<s>Be <brief>."


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ strftime_now('%d') }}", "states the date"),
        ("{{ raise_exception('no system message') }}", "no system message"),
        ("{% for %}", "cannot be rendered"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "cannot be rendered"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_an_error_that_says_why(tmp_path: Path, template: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        load_template(folder(tmp_path, own=template)).render(MESSAGES, keep_bos=True)


@pytest.mark.parametrize("config", [None, {}, {"chat_template": [{"name": "rag", "template": "x"}]}, []])
def test_a_model_without_a_template_is_an_error(tmp_path: Path, config: object) -> None:
    with pytest.raises(UserError, match="no chat template"):
        load_template(folder(tmp_path, config))


def test_another_template_or_token_is_another_identity(tmp_path: Path) -> None:
    found = [
        load_template(folder(tmp_path, config)).identity
        for config in (
            {"chat_template": "a", "eos_token": "</s>"},
            {"chat_template": "b", "eos_token": "</s>"},
            {"chat_template": "a"},
        )
    ]
    assert len(set(found)) == 3
