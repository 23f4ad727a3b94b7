"""Started by torchrun in test_torchrun: the documented training, with networks that see a face anywhere."""

import sys

from tests.unit.training.pretended import Anybody, MiddleFace
from training import material, train_liveness
from training.data.crops import Networks

vars(material)["open_networks"] = lambda _dir: Networks(MiddleFace(), Anybody())
train_liveness.main(sys.argv[1:])
