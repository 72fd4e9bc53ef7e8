"""How commands reach a server: `factory.runner_for` gives a runner, `hooks` quiesces applications on this machine."""
