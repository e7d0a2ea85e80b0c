"""Run the command line, and turn every error into one line and an exit code.

stdout carries results, stderr progress and messages. Exit codes: 0 all cases
finished; 1 some case failed; 2 bad usage, config or data; 130 interrupted, by
Ctrl-C or SIGTERM.
"""

import io
import os
import signal
import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        return _run()
    except KeyboardInterrupt:
        return INTERRUPTED


def _run() -> int:
    debug = "--debug" in sys.argv
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same as Ctrl-C
    _prepare_streams()
    import typer

    from bench.cli import app
    from fmnist_jax.errors import UserError, in_one_line

    try:
        # typer returns exit code 130 for an interrupt that no verb has caught.
        return app(prog_name=_program_name(), standalone_mode=False) or 0
    except typer.TyperException as error:
        if not error.format_message():  # no arguments: the help was printed
            return error.exit_code
        return _fail(f"{error.format_message()} (see python -m bench --help)", error.exit_code)
    except UserError as error:
        if debug:
            raise
        return _fail(str(error), error.exit_code)
    except typer.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout has gone; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        text = in_one_line(error)
        if "--install-completion" in sys.argv:
            return _fail(f"the completion cannot be installed ({text})", 2)
        return _fail(f"this is a bug in the suite: {text}; --debug shows where", 1)


def _prepare_streams() -> None:
    """Open closed standard streams, and let them print any character.

    The first file that is opened would take the place of a closed stream. A character
    that the terminal's encoding lacks is printed as a question mark.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _program_name() -> str:
    """Return the name of the command in its help; shells complete only the script `bench`."""
    completing = {"--install-completion", "--show-completion"} & set(sys.argv)
    if completing or "_BENCH_COMPLETE" in os.environ or sys.argv[0].endswith("bench"):
        return "bench"
    return "python -m bench"


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":  # worker processes import this module, too
    sys.exit(main())
