import subprocess
import sys

# Sixteen threads that hold memory at once, and how many heaps the C library then has.
HEAPS_OF_SIXTEEN_THREADS = """
import ctypes, re, sys, tempfile, threading
from resources.engine.arenas import limit_arenas
limit_arenas(int(sys.argv[1]))
library, everybody = ctypes.CDLL(None), threading.Barrier(17)
def hold():
    library.malloc(5000)
    everybody.wait()
    everybody.wait()
threads = [threading.Thread(target=hold) for _ in range(16)]
for thread in threads: thread.start()
everybody.wait()
with tempfile.NamedTemporaryFile() as told:
    library.fopen.restype = ctypes.c_void_p
    stream = ctypes.c_void_p(library.fopen(told.name.encode(), b"w"))
    library.malloc_info(0, stream)
    library.fclose(stream)
    print(told.read().decode().count("<heap nr="))
everybody.wait()
"""


def test_threads_share_as_many_heaps_as_they_are_given() -> None:
    def heaps(limit: int) -> int:
        command = [sys.executable, "-c", HEAPS_OF_SIXTEEN_THREADS, str(limit)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout)

    assert heaps(2) == 2
    assert heaps(5) == 5
