"""Measure what the speaker encoder's likeness means, and write it into the network's card.

    python training/calibrate_voice.py --data_root VOICE

`data_root` has `speakers/<speaker>/<recording>.flac`. Every three recordings of a speaker,
as an enrolment has, are compared with every recording of the others. Ten speakers are 90
ordered pairs of people, however many recordings each has: a false match rate below one in
a hundred can't be read from them, so the map ends there, and the card says so. Beside the
cards goes the spread of voices, from which stand-ins for people without one are drawn: a
mean and one width for each number, so that no speaker can be told from it.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

import numpy as np

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.calibration import Birth, Calibration, evidence_of_fmr
from facekey.core.metrics import false_non_match_rate, threshold_at_fmr
from facekey.settings import default_models_dir
from facekey.wiring.voice import SPEAKER, open_listener
from facekey.zoo.zoo import Zoo, default_cards_dir
from training.calibrate import write_calibration
from training.data.voices import Voice, as_recorded, enrolled_scores, listen_to, recordings
from training.git import commit

EVIDENCE_KNOTS = (0.5, 1.0, 1.5, 2.0)
CARD_RATES = ("1e-1", "1e-2")
PROTOCOL = "every three recordings of a speaker against every recording of the others, read speech"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data_root", required=True, type=Path, help="has speakers/<speaker>/<x>.flac")
    parser.add_argument("--data_name", default="LibriSpeech")
    parser.add_argument("--models_dir", type=Path, default=default_models_dir())
    parser.add_argument("--dry_run", action="store_true", help="print, but write nothing")
    given = parser.parse_args()

    files = recordings(given.data_root)
    heard = listen_to(files, open_listener(Zoo(cache_dir=given.models_dir)), as_recorded)
    voices = [voice for voice in heard if voice is not None]
    scores = enrolled_scores(heard, heard)
    impostor, mated = scores.impostor(scores.speakers), scores.mated(scores.speakers)
    knots = tuple((round(threshold_at_fmr(impostor, 10**-one), 4), one) for one in EVIDENCE_KNOTS)
    data = f"{given.data_name}: {len(scores.speakers)} speakers, {len(voices)} recordings of one sitting each"
    calibration = Calibration(knots, Birth(data, PROTOCOL, int(impostor.size), date.today(), commit()))
    for rate in CARD_RATES:
        line = calibration.cosine_at(evidence_of_fmr(float(rate)))
        print(f"FMR {rate}: likeness {line:.4f}, FNMR {100 * false_non_match_rate(mated, line):.2f} %")
    print(f"{impostor.size:,} impostor and {mated.size:,} mated comparisons of {len(voices)} recordings")
    print(f"{len(files) - len(voices)} recordings can't be judged")
    if not given.dry_run:
        cards = default_cards_dir()
        write_calibration(cards / f"{SPEAKER}.toml", calibration, rates=CARD_RATES)
        write_spread(cards / "weights" / f"{SPEAKER}-population.npy", voices)


def write_spread(path: Path, voices: list[Voice]) -> None:
    """Write mean and width of each number over the speakers' mean voices, (2, 256) float16."""
    speakers = sorted({voice.speaker for voice in voices})
    means = np.stack(
        [
            np.mean([one.embedding.vector for one in voices if one.speaker == name], axis=0)
            for name in speakers
        ]
    )
    np.save(path, np.stack([means.mean(axis=0), means.std(axis=0, ddof=1)]).astype(np.float16))


if __name__ == "__main__":
    main()
