"""Runs in the training environment, which has torch: what facenet-pytorch itself computes.

usage: facenet_pytorch_reference.py FOLDER

FOLDER has mtcnn.py and inception_resnet_v1.py out of the published package, the three
.pt files, and pictures.npz. Only the classes of the two modules are run: the package
around them needs more than is installed here.
"""

import ast
import sys
from pathlib import Path

import numpy as np
import torch  # type: ignore[import-not-found]
from torch import nn
from torch.nn import functional  # type: ignore[import-not-found]


def classes(path: Path) -> dict[str, type[nn.Module]]:
    """The classes that a module defines, as it defines them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [part for part in tree.body if isinstance(part, ast.ClassDef)]
    names: dict[str, object] = {"torch": torch, "nn": nn, "F": functional, "np": np}
    exec(compile(tree, str(path), "exec"), names)  # noqa: S102 - the archive's hash was checked
    return {name: value for name, value in names.items() if isinstance(value, type)}


def main(folder: Path) -> None:
    torch.manual_seed(3)
    pictures = np.load(folder / "pictures.npz")
    results: dict[str, np.ndarray] = {}

    cascade = classes(folder / "mtcnn.py")
    for name in ("PNet", "RNet", "ONet"):
        network = cascade[name](pretrained=False)
        network.load_state_dict(torch.load(folder / f"{name.lower()}.pt"))
        network.eval()
        prepared = (pictures[name.lower()].astype(np.float32) - 127.5) / 128
        with torch.no_grad():
            outputs = network(torch.from_numpy(prepared.transpose(0, 3, 1, 2).copy()))
        for index, output in enumerate(outputs):
            results[f"{name.lower()}_{index}"] = output.numpy()

    facenet = classes(folder / "inception_resnet_v1.py")["InceptionResnetV1"](classify=True, num_classes=7)
    for module in facenet.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    facenet.eval()
    facenet.classify = False
    prepared = (pictures["facenet"].astype(np.float32) - 127.5) / 128
    with torch.no_grad():
        output = facenet(torch.from_numpy(prepared.transpose(0, 3, 1, 2).copy()))
    results["facenet"] = output.numpy()
    state = facenet.state_dict()
    torch.save(state, folder / "facenet.pt")
    torch.save(state, folder / "facenet_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"half": torch.ones(2, 3).half().t(), "long": torch.arange(4)[1:]}, folder / "views.pt")
    np.savez(folder / "results.npz", **results)  # type: ignore[arg-type]


main(Path(sys.argv[1]))
