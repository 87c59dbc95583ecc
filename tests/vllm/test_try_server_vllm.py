"""The trial of one server with a real vLLM: what it looks at before, how it starts, what it says of a model that is none."""

from __future__ import annotations

from pathlib import Path

import try_server
import yaml
from vllm.vllm_lab import ARGUMENTS, VLLM_PYTHON, needs_vllm

pytestmark = needs_vllm
ROOT = Path(__file__).parents[2]


def test_a_real_server_is_started_and_asked_and_its_page_says_what_is_wrong_with_the_answer(
    checkpoint: Path, tmp_path: Path
) -> None:
    model = {
        "path": str(checkpoint),
        "server": "vllm",
        "args": list(ARGUMENTS),
        "max_model_len": 512,
        "prepare": "none",
    }
    model |= {"environment": {"VLLM_CPU_KVCACHE_SPACE": "1"}, "tokenizer": str(checkpoint / "tokenizer.json")}
    site = {"python": str(VLLM_PYTHON), "check_gpus": False, "cache_dir": str(tmp_path / "caches")}
    config, page = tmp_path / "config.yaml", tmp_path / "page.log"
    config.write_text(yaml.safe_dump({"models": {"m": model}, "servers": {"vllm": site}}))
    flags = ["--config", str(config), "--model", "m", "--tokenizer", str(checkpoint / "tokenizer.json")]
    prompt = ["--prompt", str(ROOT / "prompts/solve_cot.yaml"), "--max-tokens", "64"]
    try_server.main([*flags, *prompt, "--page", str(page)])
    said = page.read_text()
    for found in (
        "ok     environment: vllm ",
        "ok     chat template: ",
        "ok     start: ready after ",
        "tokens/s for one",
    ):
        assert found in said, said
    # Random words: either they go on for ever, or they hold no answer.
    assert "did not end within" in said or "there is no \\boxed{}" in said
    # The server and the model agree on what the template makes of the question.
    assert "the server read" not in said
