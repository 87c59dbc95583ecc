"""A real checkpoint (Qwen2) whose text is a Markov chain over tokens that we choose: it writes blocks of code.

Embeddings are one-hot, attention and MLP add nothing, so the last token alone decides what follows: `lm_head` holds log
probabilities. A server takes it for any model: sampling, seeds, stop strings, prefix reuse and usage are the real thing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

_HEAD = 64
_NEVER = -60.0
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_SPECIAL = ("<|im_start|>", "<|im_end|>")
_END = "<|im_end|>"
#: Blocks; what the last prints depends on what ran before.
CODE = (
    "\nprint(6*7)\n",
    "\nx = 5\nprint(x)\n",
    "\nprint(1/0)\n",
    "\nimport random\nprint(random.random())\n",
    "\nprint(x+1)\n",
)
#: What a model writes that was not stopped behind a block.
INVENTED = "\nFAKE"
CHAIN: Mapping[str, Mapping[str, float]] = {
    "assistant\n": {" think": 1.0},
    " think": {" think": 0.9, ".\n": 0.1},
    ".\n": {"<tool_call>": 0.8, "</think>": 0.15, "\nwhile": 0.05},
    "<tool_call>": {code: 1 / len(CODE) for code in CODE},
    **{code: {"</tool_call>": 1.0} for code in CODE},
    "</tool_call>": {INVENTED: 1.0},
    INVENTED: {_END: 1.0},
    "\nwhile": {"\nwhile": 1.0},  # never closes
    "```\n": {" think": 0.5, ".\n": 0.5},
    "</think>": {"So": 1.0},
    "So": {" the answer is \\boxed{42}.": 1.0},
    " the answer is \\boxed{42}.": {_END: 1.0},
}


def save_markov_model(folder: Path, context: int = 2048) -> Path:
    """Write the checkpoint with its tokenizer and chat template."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": _END, "pad_token": _END}
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": _TEMPLATE}))
    vocabulary = tokenizer.get_vocab_size()
    heads = math.ceil(vocabulary / _HEAD)
    shape = {"hidden_size": heads * _HEAD, "num_attention_heads": heads, "num_key_value_heads": heads}
    shape |= {"vocab_size": vocabulary, "intermediate_size": 64, "num_hidden_layers": 1}
    fixed = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu", "rms_norm_eps": 1e-6}
    fixed |= {"rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float32"}
    ends = {"eos_token_id": tokenizer.token_to_id(_END), "max_position_embeddings": context}
    (folder / "config.json").write_text(json.dumps(fixed | shape | ends))
    _write_safetensors(folder / "model.safetensors", _weights(tokenizer, vocabulary, heads * _HEAD))
    return folder


def _tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in _SPECIAL])
    words = dict.fromkeys([*CHAIN, *(after for following in CHAIN.values() for after in following)])
    tokenizer.add_tokens([AddedToken(word, special=False, normalized=False) for word in words if word not in _SPECIAL])
    return tokenizer


def _weights(tokenizer: Tokenizer, vocabulary: int, hidden: int) -> dict[str, np.ndarray]:
    def number(text: str) -> int:
        (found,) = tokenizer.encode(text, add_special_tokens=False).ids
        return int(found)

    head = np.full((vocabulary, hidden), _NEVER, np.float32)
    head[tokenizer.token_to_id(_END), :] = 0.0  # whatever the chain does not name is followed by the end
    for text, following in CHAIN.items():
        head[:, number(text)] = _NEVER
        for after, probability in following.items():
            head[number(after), number(text)] = math.log(probability)
    head /= math.sqrt(hidden)  # the norm before it makes a one-hot vector so long
    ones, layer = np.ones(hidden, np.float32), "model.layers.0."
    weights = {"model.embed_tokens.weight": np.eye(vocabulary, hidden, dtype=np.float32), "lm_head.weight": head}
    weights |= {f"{name}.weight": ones for name in ("model.norm", f"{layer}input_layernorm")}
    weights[f"{layer}post_attention_layernorm.weight"] = ones
    shapes = {"self_attn.o_proj.weight": (hidden, hidden), "mlp.down_proj.weight": (hidden, 64)}
    shapes |= {f"mlp.{name}_proj.weight": (64, hidden) for name in ("gate", "up")}
    for letter in "qkv":
        shapes |= {f"self_attn.{letter}_proj.weight": (hidden, hidden), f"self_attn.{letter}_proj.bias": (hidden,)}
    return weights | {layer + name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def _write_safetensors(path: Path, weights: Mapping[str, np.ndarray]) -> None:
    header, at = {}, 0
    for name, array in weights.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    encoded = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for array in weights.values():
            file.write(array.tobytes())
