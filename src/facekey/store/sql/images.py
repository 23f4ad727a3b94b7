"""Photos of a registration, sealed with the person's key; there are none unless the operator wants them."""

from collections.abc import Sequence

from facekey.store.sealing import Seal


def seal_images(seal: Seal, uid: str, images: Sequence[bytes]) -> list[bytes]:
    """Photos as they are stored, numbered from 1."""
    return [seal.close(image, "image", uid, str(number)) for number, image in enumerate(images, 1)]


def open_image(seal: Seal, sealed: bytes, *, uid: str, number: int) -> bytes:
    """A stored photo.

    Raises:
        SealBroken: it was changed, or is another person's.
    """
    return seal.open(sealed, "image", uid, str(number))
