"""A small server that speaks the OpenAI API and replays authored replies: the demo's model and the tests' double.

`server.ReplayServer` is it; `launch.running_server` and `launch.server_process` start one beside the caller, and
`replay_server.py` is its command line. `replies` says where replies come from, `faults` what can go wrong on purpose,
`dialects` which servers are imitated and how.
"""
