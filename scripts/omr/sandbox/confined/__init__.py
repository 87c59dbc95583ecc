"""What runs inside: in the python of envs/sandbox.yaml, behind the walls. Imports the standard library and nothing of
omr's other wings (the packages of the environment are imported by name, see `preload`)."""
