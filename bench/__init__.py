"""How the engines of `backprop` are compared: cells -> timing -> records -> analysis -> report."""

FAULT = 70  # the exit status of a fault of ours: EX_SOFTWARE of sysexits.h

# Of a process in which engines are timed, where the user says nothing else. Workers that spin after their part is done,
# as they do for milliseconds, would run on the core that the next contestant needs: with two threads, races were off
# by a factor of ten. Read when the libraries are loaded.
SLEEP_SOON = {
    "OPENBLAS_THREAD_TIMEOUT": "14",  # 2^14 cycles
    "GOMP_SPINCOUNT": "10000",  # some ten microseconds: from one operation of PyTorch to the next
}
