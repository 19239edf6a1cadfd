"""The command line: the only place where the parts are put together."""

import signal
import sys
import threading
from pathlib import PurePath

# Until `harness.cli.main` stands ready to say what is kept, Ctrl-C ends the program without Python's traceback.
if (
    PurePath(sys.argv[0] if sys.argv else "").stem == "harness"
    and threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
