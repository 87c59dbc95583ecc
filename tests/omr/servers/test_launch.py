from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import omr.servers
import pytest
import yaml
from omr.errors import UserError
from omr.models.model import ModelSpec, model_spec
from omr.servers.kinds import KINDS
from omr.servers.launch import Launch, full_command, full_environment, parallel_sizes
from omr.servers.sites import ServerSite, server_site

QWEN = ModelSpec("qwen", "org/qwen", "vllm", revision="abc", gpus=8, max_model_len=32768, args=("--extra",))
R1 = ModelSpec("r1", "org/r1", "vllm", gpus=8, nodes=2, expert_parallel_size=16, max_model_len=18384)
SITE = ServerSite(python="/opt/serve/bin/python", cache_dir="/local/caches")


def launch(spec: ModelSpec, server: str, scratch: Path, rank: int = 0, site: ServerSite = SITE) -> Launch:
    spec = replace(spec, server=server)
    return Launch(spec, site, 8001, 8002, scratch, rank=rank, head="10.0.0.1", meeting_port=8003)


def command(spec: ModelSpec, server: str, scratch: Path = Path("/s"), rank: int = 0) -> str:
    return " ".join(full_command(KINDS[server], launch(spec, server, scratch, rank)))


def test_vllm_on_one_node_listens_on_loopback_with_neutral_sampling_defaults() -> None:
    assert command(QWEN, "vllm") == (
        "/opt/serve/bin/python -m vllm.entrypoints.openai.api_server --model org/qwen --served-model-name qwen "
        "--host 127.0.0.1 --port 8001 --enable-request-id-headers --disable-uvicorn-access-log "
        "--generation-config vllm --seed 0 --tensor-parallel-size 8 --max-model-len 32768 --revision abc --extra"
    )


def test_vllm_on_further_nodes_serves_no_port() -> None:
    assert command(R1, "vllm", rank=1) == (
        "/opt/serve/bin/python -m vllm.entrypoints.cli.main serve org/r1 --served-model-name r1 "
        "--generation-config vllm --seed 0 --tensor-parallel-size 16 --enable-expert-parallel --max-model-len 18384 "
        "--nnodes 2 --node-rank 1 --master-addr 10.0.0.1 --master-port 8003 --headless"
    )


def test_sglang_on_two_nodes_meets_at_the_head() -> None:
    assert command(R1, "sglang", rank=1) == (
        "/opt/serve/bin/python -m sglang.launch_server --model-path org/r1 --served-model-name r1 --host 127.0.0.1 "
        "--port 8001 --sampling-defaults openai --random-seed 0 --log-level-http warning --enable-metrics --tp-size 16 "
        "--ep-size 16 --context-length 18384 --nnodes 2 --node-rank 1 --dist-init-addr 10.0.0.1:8003 --dist-timeout 3600"
    )


def test_trtllm_on_one_node_is_started_by_mpirun_with_underscored_flags() -> None:
    assert command(replace(QWEN, max_input_tokens=24580), "trtllm") == (
        "mpirun -n 1 --oversubscribe --allow-run-as-root /opt/serve/bin/trtllm-serve org/qwen --host 127.0.0.1 "
        "--port 8001 --tp_size 8 --gpus_per_node 8 --max_seq_len 32768 --max_num_tokens 24580 --revision abc --extra"
    )


def test_trtllm_over_nodes_is_started_by_srun_with_a_process_per_gpu() -> None:
    assert command(R1, "trtllm").startswith("/opt/serve/bin/trtllm-llmapi-launch /opt/serve/bin/trtllm-serve org/r1")
    assert KINDS["trtllm"].tasks_per_node(R1) == 8
    assert KINDS["vllm"].tasks_per_node(R1) == 1


def test_trtllm_gets_what_only_its_config_file_takes(tmp_path: Path) -> None:
    spec = replace(QWEN, server_config={"kv_cache_config": {"enable_block_reuse": True}})
    words = command(spec, "trtllm", tmp_path).split()
    assert yaml.safe_load(Path(words[words.index("--config") + 1]).read_text()) == spec.server_config


def test_trtllm_knows_a_local_checkpoint_by_its_folders_name(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    assert KINDS["trtllm"].served_name(replace(QWEN, path=str(tmp_path / "weights"))) == "weights"
    assert KINDS["trtllm"].served_name(QWEN) == "org/qwen"


def test_a_local_checkpoint_gets_no_revision(tmp_path: Path) -> None:
    for server in ("vllm", "sglang", "trtllm"):
        assert "--revision" not in command(replace(QWEN, path=str(tmp_path)), server)


def test_an_engine_of_an_older_trtllm_is_served_by_the_backend_that_can(tmp_path: Path) -> None:
    spec = replace(QWEN, path=str(tmp_path))
    assert "--backend" not in command(spec, "trtllm")
    (tmp_path / "rank0.engine").touch()
    assert "--backend tensorrt" in command(spec, "trtllm")


def test_a_container_is_shown_the_folders_that_the_server_reads_and_writes(tmp_path: Path) -> None:
    for name in ("model", "scratch", "caches"):
        (tmp_path / name).mkdir()
    site = ServerSite(container="/images/vllm.sif", cache_dir=str(tmp_path / "caches"))
    spec = replace(QWEN, path=str(tmp_path / "model"))
    words = full_command(KINDS["vllm"], launch(spec, "vllm", tmp_path / "scratch", site=site))
    binds = [f"--bind={tmp_path / name}" for name in ("caches", "model", "scratch")]
    assert words[:9] == ["apptainer", "exec", "--nv", *binds, "/images/vllm.sif", "python3", "-m"]


def test_modules_are_loaded_before_the_server_starts_and_arguments_arrive_unharmed(tmp_path: Path) -> None:
    # A login shell of a site defines `module`; this one's only sets a variable.
    (tmp_path / ".bash_profile").write_text('module() { export LOADED="$*"; }\n')
    show = [sys.executable, "-c", "import os, sys; print([os.environ['LOADED'], *sys.argv[1:]])", "a b", "$HOME", "'"]
    wrapped = ServerSite(modules=("cuda/13.0", "vllm")).wrapped(show, [])
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(wrapped, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["load cuda/13.0 vllm", "a b", "$HOME", "'"])


def test_a_module_that_cannot_be_loaded_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / ".bash_profile").write_text("module() { echo no such module >&2; return 1; }\n")
    wrapped = ServerSite(modules=("vllm",)).wrapped(["echo", "started"], [])
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(wrapped, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "no such module\n")


def test_a_sites_prefix_comes_before_a_python_that_is_the_containers() -> None:
    site = ServerSite(prefix=("apptainer", "exec", "--nv", "image.sif"))
    words = full_command(KINDS["sglang"], launch(QWEN, "sglang", Path("/s"), site=site))
    assert words[:6] == ["apptainer", "exec", "--nv", "image.sif", "python3", "-m"]


def test_without_a_site_the_server_runs_in_our_own_environment() -> None:
    assert full_command(KINDS["vllm"], launch(QWEN, "vllm", Path("/s"), site=ServerSite()))[0] == sys.executable


@pytest.mark.parametrize(
    ("given", "tensor"),
    [
        ({"gpus": 8}, 8),
        ({"gpus": 8, "nodes": 2}, 16),
        ({"gpus": 8, "nodes": 2, "pipeline_parallel_size": 2}, 8),
        ({"gpus": 8, "data_parallel_size": 4}, 2),
        ({"gpus": 8, "tensor_parallel_size": 4, "data_parallel_size": 2}, 4),
        ({"gpus": 8, "tensor_parallel_size": 8, "data_parallel_size": 8}, 8),
        ({"gpus": 0}, 1),
    ],
)
def test_the_tensor_parallel_size_fills_the_gpus_unless_given(given: dict[str, int], tensor: int) -> None:
    assert parallel_sizes(replace(QWEN, **({"gpus": 0} | given))).tensor == tensor  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {"gpus": 4, "tensor_parallel_size": 8},
        {"gpus": 8, "data_parallel_size": 3},
        {"pipeline_parallel_size": 16},
        {"gpus": 8, "tensor_parallel_size": 4},  # four would idle
        {"gpus": 8, "expert_parallel_size": 16},
    ],
)
def test_sizes_that_do_not_fit_the_gpus_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(UserError, match="GPUs"):
        parallel_sizes(replace(QWEN, **given))  # type: ignore[arg-type]


@pytest.mark.parametrize(("server", "nodes"), [("trtllm", 1), ("vllm", 2)])
def test_data_parallel_is_refused_where_it_is_not_offered(server: str, nodes: int) -> None:
    with pytest.raises(UserError, match="data parallel"):
        command(replace(QWEN, nodes=nodes, data_parallel_size=2), server)


def environment(server: str, inherited: dict[str, str], **model: dict[str, str]) -> dict[str, str]:
    spec = replace(QWEN, **model)  # type: ignore[arg-type]
    return full_environment(KINDS[server], launch(spec, server, Path("/s")), inherited)


def test_no_secret_and_no_thread_limit_reaches_a_server() -> None:
    inherited = {"NVIDIA_API_KEY": "x", "HF_TOKEN": "x", "OMP_NUM_THREADS": "1", "HOME": "/h"}
    assert {name: environment("vllm", inherited).get(name) for name in inherited} == {
        "NVIDIA_API_KEY": None,
        "HF_TOKEN": None,
        "OMP_NUM_THREADS": None,
        "HOME": "/h",
    }


def test_our_modules_are_not_on_a_servers_path() -> None:
    scripts = str(Path(sys.modules["omr"].__file__ or "").resolve().parents[1])
    assert environment("vllm", {"PYTHONPATH": f"{scripts}:/else"})["PYTHONPATH"] == "/else"
    assert "PYTHONPATH" not in environment("vllm", {"PYTHONPATH": scripts})


def test_servers_work_offline_and_keep_their_caches_on_the_node() -> None:
    found = environment("vllm", {"TRITON_CACHE_DIR": "/chosen/by/the/site"})
    assert found["HF_HUB_OFFLINE"] == "1"
    assert found["VLLM_CACHE_ROOT"] == "/local/caches/vllm"
    assert found["TRITON_CACHE_DIR"] == "/chosen/by/the/site"
    assert found["VLLM_PORT"] == "8002"


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_a_sites_proxies_stand_between_no_server_and_itself(name: str) -> None:
    proxies = {"https_proxy": "http://proxy:3128", name: "site.org,localhost"}
    found = environment("sglang", proxies)
    assert found["https_proxy"] == "http://proxy:3128"
    assert found["no_proxy"] == found["NO_PROXY"] == "site.org,localhost,127.0.0.1,::1,10.0.0.1"


def test_a_models_own_variables_win() -> None:
    assert environment("vllm", {"VLLM_PORT": "1"}, environment={"VLLM_PORT": "2"})["VLLM_PORT"] == "2"


def test_only_single_node_trtllm_is_kept_from_slurms_variables() -> None:
    inherited = {"SLURM_JOB_ID": "1", "PMIX_RANK": "0"}
    assert not set(environment("trtllm", inherited)) & set(inherited)
    assert set(environment("vllm", inherited)) >= set(inherited)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [({"server_config": {"a": 1}}, "only trtllm"), ({"nodes": 0}, "at least one node"), ({"gpus": -1}, "negative")],
)
def test_a_model_that_no_server_can_serve_is_refused(entry: dict[str, object], fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        model_spec({"models": {"m": {"path": "p", "server": "vllm"} | entry}}, "m")


def test_starting_a_server_needs_nothing_but_an_http_client_and_yaml() -> None:
    program = "import sys, omr.servers.opened, omr.servers.node; print(*sys.modules)"
    scripts = str(Path(omr.servers.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": scripts}, capture_output=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.decode().split()}
    ours = {"omr", "httptools", "yaml", "_yaml"}
    ours.add("_distutils_hack")  # setuptools puts it into every interpreter of its environment
    added = {name for name in loaded - set(sys.stdlib_module_names) - ours if "__" not in name}
    assert {
        name for name in added if "site-packages" in (getattr(sys.modules.get(name), "__file__", "") or "")
    } == set()


def test_a_site_with_unknown_keys_is_refused() -> None:
    with pytest.raises(UserError, match="pythn"):
        server_site({"servers": {"vllm": {"pythn": "x"}}}, "vllm")


def test_lists_of_a_site_become_tuples_and_missing_sites_have_defaults() -> None:
    assert server_site({"servers": {"vllm": {"prefix": ["a", 1]}}}, "vllm").prefix == ("a", "1")
    assert server_site({}, "vllm") == ServerSite()
