#!/usr/bin/env bash
# A throw-away Slurm on this machine: no systemd, no database, nothing outside one folder.
#
#   slurm_local.sh install            install Slurm and munge (Debian or Ubuntu, as root)
#   slurm_local.sh start DIR [NODES]  start controller and node daemons; DIR/bin holds the commands that talk to them
#   slurm_local.sh controller DIR     start the controller again, with the state that the last one left
#   slurm_local.sh node DIR NAME      start the daemon of one node (n1, n2, ...) again
#   slurm_local.sh stop DIR           stop what was started, by its pid files
#
# Every node pretends to have GPUS (8) GPUs, CPUS (128) CPUs and MEM_MB (2,000,000) MB. All nodes are this machine: tell
# them apart by SLURMD_NODENAME or by address (127.0.0.11, 127.0.0.12, ...), not by host name. DIR/sbatch.log gets a line
# per submitted job: its number, a tab, the arguments of sbatch. While there is a file DIR/most_jobs, no more jobs than the
# number in it may wait or run: further ones are refused as by a limit of an account.
set -euo pipefail

GPUS=${GPUS:-8} CPUS=${CPUS:-128} MEM_MB=${MEM_MB:-2000000} BASE_PORT=${BASE_PORT:-26817} KILL_WAIT=${KILL_WAIT:-30}

install() {
  # The packages try to start services; a policy file keeps them from it.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; made=1; fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends munge slurmctld slurmd slurm-client
  [ -z "$made" ] || rm -f $policy
}

write_config() {
  local dir=$1 nodes=$2 host user
  host=$(hostname -s) user=$(id -un)
  cat > "$dir/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$BASE_PORT
AuthType=auth/munge
AuthInfo=socket=$dir/munge/sock
CredType=cred/munge
SlurmUser=$user
SlurmdUser=$user
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=5,batch_sched_delay=0
ReturnToService=2
MinJobAge=600
MessageTimeout=5
KillWait=$KILL_WAIT
InactiveLimit=0
GresTypes=gpu
JobSubmitPlugins=lua
CONF
  cat > "$dir/job_submit.lua" <<LUA
function slurm_job_submit(job_desc, partitions, user)
  local file = io.open("$dir/most_jobs")
  if file == nil then return slurm.SUCCESS end
  local most, there = file:read("*n"), 0
  file:close()
  for _, job in pairs(slurm.jobs) do
    if job.job_state < 3 then there = there + 1 end -- pending, running, suspended
  end
  return there < most and slurm.SUCCESS or 2050 -- ESLURM_ACCOUNTING_POLICY
end
function slurm_job_modify(job_desc, job, partitions, user) return slurm.SUCCESS end
LUA
  local i
  for i in $(seq "$nodes"); do
    echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.$((10 + i)) Port=$((BASE_PORT + i)) CPUs=$CPUS" \
      "RealMemory=$MEM_MB Gres=gpu:$GPUS" >> "$dir/slurm.conf"
  done
  echo "PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE OverSubscribe=NO State=UP" >> "$dir/slurm.conf"
}

pretend_gpus() {
  # A plain `Name=gpu Count=8` counts as 0, and CUDA_VISIBLE_DEVICES is only set where File is a character device: make
  # some (they are never opened), or take terminals.
  local dir=$1 i file
  mkdir -p "$dir/dev"
  : > "$dir/gres.conf"
  for i in $(seq 0 $((GPUS - 1))); do
    file=$dir/dev/gpu$i
    mknod "$file" c 195 "$i" 2>/dev/null || file=/dev/tty$i
    echo "Name=gpu File=$file" >> "$dir/gres.conf"
  done
}

write_commands() {
  # The job step of Snakemake drops SLURM_CONF from its environment, so the commands must know it by themselves.
  local dir=$1 name
  mkdir -p "$dir/bin"
  for name in salloc scancel scontrol sinfo squeue srun; do
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$dir/slurm.conf" "$(command -v $name)" > "$dir/bin/$name"
  done
  cat > "$dir/bin/sbatch" <<WRAPPER
#!/bin/sh
id=\$(SLURM_CONF=$dir/slurm.conf $(command -v sbatch) "\$@") || exit \$?
printf '%s\t%s\n' "\$id" "\$*" >> $dir/sbatch.log
echo "\$id"
WRAPPER
  chmod +x "$dir"/bin/*
}

start() {
  local dir=$1 nodes=${2:-1} i
  mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
  mkdir -p "$dir"/{munge,state,log,run}
  # A munge of our own, so that a site's key or daemon is never touched.
  head -c 1024 /dev/urandom > "$dir/munge/key"
  chmod 400 "$dir/munge/key"
  chmod 711 "$dir/munge"
  munged --force --socket="$dir/munge/sock" --key-file="$dir/munge/key" --pid-file="$dir/run/munged.pid" \
    --log-file="$dir/log/munged.log" --seed-file="$dir/munge/seed"
  write_config "$dir" "$nodes"
  pretend_gpus "$dir"
  write_commands "$dir"
  SLURM_CONF=$dir/slurm.conf slurmctld -c
  for i in $(seq "$nodes"); do node "$dir" "n$i"; done
  for i in $(seq 60); do
    [ "$("$dir/bin/sinfo" -h -N -t idle -o %N 2>/dev/null | sort -u | wc -l)" = "$nodes" ] && return
    sleep 0.5
  done
  "$dir/bin/sinfo" -N -l
  tail -n 30 "$dir"/log/*.log
  return 1
}

controller() {
  SLURM_CONF=$1/slurm.conf slurmctld
}

node() {
  mkdir -p "$1/spool.$2"
  SLURM_CONF=$1/slurm.conf slurmd -N "$2"
}

stop() {
  local dir file pid
  dir=$(cd "$1" && pwd)
  timeout 10 "$dir/bin/scancel" -u "$(id -un)" 2>/dev/null || true
  sleep 1
  for file in "$dir"/run/slurmd.*.pid "$dir"/run/slurmctld.pid "$dir"/run/munged.pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    kill -KILL "$pid" 2>/dev/null || true
  done
}

case "${1:-}" in
  install) install ;;
  start) start "$2" "${3:-1}" ;;
  controller) controller "$(cd "$2" && pwd)" ;;
  node) node "$(cd "$2" && pwd)" "$3" ;;
  stop) stop "$2" ;;
  *) sed -n 2,13p "$0"; exit 2 ;;
esac
