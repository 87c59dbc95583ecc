"""Runs code that models wrote, where it can do no harm; knows nothing of models or rows.

    pool = await Pool.start(SandboxSettings(python=Path(".venv-sandbox/bin/python"), slots=4), say=print)
    session = await pool.open("row-17/solve/0", seed=3)     # cheap: its process starts with its first block
    result = await session.run("import sympy\\nsympy.factorint(360)")
    await session.close()
    await pool.close()

(`from omr.sandbox.pool import Pool`, `from omr.sandbox.settings import SandboxSettings`; `omr.sandbox.results` says
what a `Result` holds; `omr.sandbox.checks.unavailable(settings)` says in half a second why a machine has no sandbox,
or None.)

* **Fails closed.** `Pool.start` tries what the machine offers, attacks it, and raises `UserError` where nothing
  holds, or less than `settings.tier`. `pool.tier` and `pool.identity` (hash of the environment's packages) belong to
  the replies.
* **A block** ends by itself or at a limit of computing time; its clock starts when one of `slots` is free. `run`
  never raises for what code does: see `Result.status`. After `timeout` variables are kept, though the block stopped
  midway; after `killed`, `memory`, `died`, `broken` the next block starts with none.
* **Rebuilding.** After a resume: `await session.replay([Past(code, status, stdout), ...])` runs earlier blocks again
  and says whether an output came out otherwise. A session whose process was taken for others' sake, or went with the
  fork server, is rebuilt in the same way before its next block, which says so in `replay_differs`.
* **Seeds.** The same blocks with the same seed give the same numbers from `random`, numpy and sympy and the same
  order of sets. Time, `uuid4`, `os.urandom` and addresses in reprs differ.
* **What holds.** The job starts a fork server with an empty environment and one socket; it goes behind walls
  (namespaces and a root folder of its own with nothing but the interpreter in it; as root it becomes another user),
  loads the packages, and forks a child per session, which adds a folder in memory, limits, Landlock and a list of
  allowed system calls. All die with the job. **What does not hold**: a fault of the kernel in a call that is allowed;
  and code can always forge its own session's replies, which spoils its own solution only.

`confined/` runs inside, in the environment's own python; the rest is the job's side, on the standard library alone.
"""
