"""A Qwen2 of two layers with random weights and a tokenizer of its own: a whole checkpoint of 2 MB, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from small_tokenizer import save_tokenizer
from tokenizers import AddedToken, Tokenizer

LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD_DIM, INNER = 2, 128, 2, 2, 64, 256
CONTEXT = 1024
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_tiny_model(folder: Path) -> Path:
    """Fill `folder` with config, tokenizer and weights; returns it. The same weights at every call."""
    folder.mkdir(parents=True)
    vocabulary, end = _save_tokenizer(folder)
    config: dict[str, Any] = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": CONTEXT,
        "vocab_size": vocabulary,
        "eos_token_id": end,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config))
    # Would make every draw the same, were it heeded: see `--generation-config`.
    (folder / "generation_config.json").write_text(json.dumps({"top_k": 1, "eos_token_id": end}))
    _save_weights(folder / "model.safetensors", _weights(vocabulary))
    return folder


def _save_tokenizer(folder: Path) -> tuple[int, int]:
    """Returns the size of the vocabulary and the number of the token that ends a message."""
    path = save_tokenizer(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in ("<|im_start|>", "<|im_end|>")])
    tokenizer.save(str(path))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": CHAT_TEMPLATE}))
    return tokenizer.get_vocab_size(), tokenizer.token_to_id("<|im_end|>")


def _weights(vocabulary: int) -> dict[str, np.ndarray]:
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (vocabulary, HIDDEN),
    }
    for number in range(LAYERS):
        layer = f"model.layers.{number}"
        for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
            shapes[f"{layer}.self_attn.{name}_proj.weight"] = (heads * HEAD_DIM, HIDDEN)
            shapes[f"{layer}.self_attn.{name}_proj.bias"] = (heads * HEAD_DIM,)
        shapes[f"{layer}.self_attn.o_proj.weight"] = (HIDDEN, HEADS * HEAD_DIM)
        for name in ("gate", "up"):
            shapes[f"{layer}.mlp.{name}_proj.weight"] = (INNER, HIDDEN)
        shapes[f"{layer}.mlp.down_proj.weight"] = (HIDDEN, INNER)
        for name in ("input", "post_attention"):
            shapes[f"{layer}.{name}_layernorm.weight"] = (HIDDEN,)
    draw = np.random.default_rng(0)
    return {
        name: np.ones(shape, np.float32) if "norm" in name else draw.normal(0, 0.1, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def _save_weights(path: Path, weights: dict[str, np.ndarray]) -> None:
    """A safetensors file: the header's length in 8 bytes, the header (JSON), and the tensors one after another."""
    header, position = {}, 0
    for name, array in weights.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [position, position + array.nbytes],
        }
        position += array.nbytes
    encoded = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for array in weights.values():
            file.write(array.tobytes())


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file (of the types F32 and BF16) as float32."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        data = content[start + first : start + end]
        if entry["dtype"] == "BF16":  # the upper half of a float32
            values = (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(data, np.float32)
        tensors[name] = values.reshape(entry["shape"])
    return tensors
