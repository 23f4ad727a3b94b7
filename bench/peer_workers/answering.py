"""What the workers share: one line of JSON in, one out. Only the standard library; runs in every environment.

`{"enrol": path}` remembers a face, `{"decide": path}` times the way from the bytes of a file to
the comparison with it, `{"encode": path}` gives the numbers of a face.
"""

import json
import sys
import time
from pathlib import Path


def answer(encode, compare):
    """Answer until nothing more is asked.

    Args:
        encode: the bytes of a picture to what is compared; None where there is no face.
        compare: two of them; how alike they are.
    """
    enrolled = None
    for line in sys.stdin:
        request = json.loads(line)
        if "enrol" in request:
            enrolled = encode(Path(request["enrol"]).read_bytes())
            told = {"found": enrolled is not None}
        elif "encode" in request:
            found = encode(Path(request["encode"]).read_bytes())
            told = {"encoding": None if found is None else [float(value) for value in found]}
        else:
            began = time.perf_counter()
            compare(enrolled, encode(Path(request["decide"]).read_bytes()))
            told = {"seconds": time.perf_counter() - began}
        print(json.dumps(told), flush=True)
