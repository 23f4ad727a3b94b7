import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from facekey.core.audit_statements import Signature
from facekey.core.errors import SettingsInvalid, SignatureWrong
from facekey.credentials.signatures import Ed25519Signer, PublicKeys

OLD, NEW = b"1" * 32, b"2" * 32


def test_what_is_signed_verifies_with_the_public_key_alone() -> None:
    signer = Ed25519Signer([NEW, OLD])
    public = PublicKeys.parse(signer.public.pem())
    public.verify(b"said", signer.sign(b"said"))
    public.verify(b"said", Ed25519Signer([OLD]).sign(b"said"))
    assert public.pem().count(b"BEGIN PUBLIC KEY") == 2


@pytest.mark.parametrize(
    ("statement", "by"), [(b"said!", NEW), (b"said", b"3" * 32)], ids=["another statement", "another key"]
)
def test_what_was_not_signed_does_not(statement: bytes, by: bytes) -> None:
    public = Ed25519Signer([NEW]).public
    signature = Ed25519Signer([by]).sign(b"said")
    with pytest.raises(SignatureWrong):
        public.verify(statement, signature)


def test_a_signature_of_no_form_is_wrong() -> None:
    signer = Ed25519Signer([NEW])
    with pytest.raises(SignatureWrong):
        signer.public.verify(b"said", Signature(signer.sign(b"").kid, b"short"))


def test_files_without_a_key_are_refused() -> None:
    other = X25519PrivateKey.generate().public_key()
    x25519 = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for pem in (b"", b"-----END PUBLIC KEY-----", x25519):
        with pytest.raises(SettingsInvalid):
            PublicKeys.parse(pem)
    assert (
        PublicKeys.parse(x25519 + Ed25519Signer([NEW]).public.pem()).pem()
        == Ed25519Signer([NEW]).public.pem()
    )
