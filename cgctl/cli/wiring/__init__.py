"""Where everything is joined: configuration, state, runners, drivers. The only room that knows all of them.

Nothing is read or reached before it is used: a list with `--state` needs no configuration, a show no server.
"""
