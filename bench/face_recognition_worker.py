"""face_recognition as its README uses it. Runs in the peers' environment, not in FaceKey's."""

import io
import json
import sys
import time
from pathlib import Path

import face_recognition


def encode(data: bytes):
    """The first face's encoding, or None."""
    picture = face_recognition.load_image_file(io.BytesIO(data))
    found = face_recognition.face_encodings(picture, face_recognition.face_locations(picture))
    return found[0] if found else None


def main() -> None:
    """Answer one line of JSON for each that comes."""
    enrolled = None
    for line in sys.stdin:
        request = json.loads(line)
        if "encode" in request:
            found = encode(Path(request["encode"]).read_bytes())
            answer = {"encoding": None if found is None else found.tolist()}
        else:
            picture = Path(request["decide"])
            if enrolled is None:
                enrolled = encode(picture.read_bytes())
            began = time.perf_counter()
            face_recognition.compare_faces([enrolled], encode(picture.read_bytes()))
            answer = {"seconds": time.perf_counter() - began}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
