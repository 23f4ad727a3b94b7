"""face_recognition as its README uses it. Runs in the peer's environment, not in FaceKey's."""

import io

import face_recognition
from answering import answer


def encode(data):
    """The first face's 128 numbers, or None."""
    picture = face_recognition.load_image_file(io.BytesIO(data))
    found = face_recognition.face_encodings(picture, face_recognition.face_locations(picture))
    return found[0] if found else None


if __name__ == "__main__":
    answer(encode, lambda enrolled, found: face_recognition.compare_faces([enrolled], found))
