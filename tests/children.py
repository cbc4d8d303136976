"""What children of tests run."""

import sys

IDLE = "import time; time.sleep(60)"  # nobody waits for it: each test ends the child that runs it

DEFAULT_SIGNALS = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
AS_AT_A_TERMINAL = (sys.executable, "-c", DEFAULT_SIGNALS)
"""Stands before a command that a test sends signals to. Under nohup, or behind a script's `&`, the
tests ignore some, and so would all their children."""
