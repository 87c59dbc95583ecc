"""A small server that speaks the OpenAI API and replays authored replies: the demo's model and the tests' double.

`launch.running_server` and `launch.server_process` start one; `replay_server.py` is its command line. `replies` says
where replies come from, `faults` what can go wrong on purpose, `dialects` which servers are imitated and how.
"""
