"""What is told of the machine and of processes on it."""

import os
import subprocess
import sys

from bench.host import cpu_of_children_s, machine, on_cores
from facekey.zoo.cores import usable_cores


def test_processor_time_of_a_child_and_of_its_child_counts() -> None:
    burn = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
    within = f"import subprocess, sys\n{burn}subprocess.run([sys.executable, '-c', {burn!r} + 'input()'])"
    before = cpu_of_children_s()
    with subprocess.Popen([sys.executable, "-c", within], stdin=subprocess.PIPE) as process:
        while cpu_of_children_s() - before < 0.39 and process.poll() is None:
            pass
        assert process.poll() is None
        process.communicate(b"\n")


def test_cores_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    with on_cores(1):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_a_machine_says_what_computes() -> None:
    told = machine()
    assert told["cores"] == str(usable_cores())
    assert {"processor", "memory", "python", "onnxruntime", "numpy", "opencv"} <= told.keys()
