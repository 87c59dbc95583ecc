"""The options of `trtllm-serve serve`, as its public source defines them.

Read in tensorrt_llm/commands/serve.py of the repository NVIDIA/TensorRT-LLM at commit
00209af149e7774406881a37283dce303571eb11, which is near version 1.2: the only program of the three whose wheel is not on the
package index, so that a test cannot read it there.
"""

from __future__ import annotations

from pinned_wheels import Option

_WITH_A_VALUE = """
--tokenizer --custom_tokenizer --host --port --custom_module_dirs --log_level --max_beam_width --max_batch_size
--max_num_tokens --max_seq_len --tensor_parallel_size --tp_size --pipeline_parallel_size --pp_size
--context_parallel_size --cp_size --moe_expert_parallel_size --ep_size --moe_cluster_parallel_size --cluster_size
--gpus_per_node --free_gpu_memory_fraction --kv_cache_free_gpu_memory_fraction --num_postprocess_workers --revision
--config --extra_llm_api_options --reasoning_parser --tool_parser --metadata_server_config_file --server_role
--otlp_traces_endpoint --disagg_cluster_uri --media_io_kwargs --chat_template
"""
_FLAGS = "--trust_remote_code --fail_fast_on_attention_window_too_large --enable_chunked_prefill"


def trtllm_options() -> dict[str, Option]:
    options = dict.fromkeys(_WITH_A_VALUE.split(), Option(is_flag=False))
    options["--backend"] = Option(is_flag=False, choices=("pytorch", "tensorrt", "_autodeploy", "trt"))
    return options | dict.fromkeys(_FLAGS.split(), Option(is_flag=True))
