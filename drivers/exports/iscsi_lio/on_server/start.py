"""First of all: makes modules of the texts that are its arguments, NAME TEXT ... --, and runs the last one's main."""

from __future__ import annotations

import sys
import types


def load(name: str, text: str) -> types.ModuleType:
    module = sys.modules[name] = types.ModuleType(name)
    package, _, own = name.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], own, module)
    exec(compile(text, name, "exec"), module.__dict__)
    return module


def start(arguments: list[str]) -> None:
    """Without rtslib, or without the kernel's modules, nothing has been changed."""
    end = arguments.index("--")
    try:
        import rtslib_fb  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError:
        sys.stderr.write("cgctl-refused tool-missing: rtslib-fb for python3 is not installed\n")
        sys.exit(3)
    for name, text in zip(arguments[:end:2], arguments[1:end:2], strict=False):
        module = load(name, text)
    try:
        module.main(*arguments[end + 1 :])
    except (rtslib_fb.RTSLibError, OSError, ValueError) as error:
        sys.exit(f"LIO: {error}")


if __name__ == "__main__":
    start(sys.argv[1:])
