"""What holds for every test."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A suite that runs in the background ignores Ctrl-C, and every process that it starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
