from contextlib import nullcontext

from facekey.api.app import create_app


def test_paths_and_their_methods_are_those_of_the_description() -> None:
    app = create_app(nullcontext(None), max_image_bytes=1_000_000)  # type: ignore[arg-type]
    methods = app.state.methods
    described = {path: sorted(known) for path, known in app.openapi()["paths"].items()}
    assert list(methods.patterns()) == list(described)
    for path, known in described.items():
        concrete = path.replace("{", "").replace("}", "")
        assert methods.allowed(concrete) == ", ".join(known).upper()
        assert methods.pattern(concrete) == path
    assert methods.allowed("/docs") is None
    assert methods.pattern("/nowhere") is None
