"""Listen: a recording becomes voice evidence, or a reason why it can't be judged.

bytes -> Sound -> 16 kHz -> where somebody speaks -> mel spectrogram without noise -> Embedding
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import SampleRejected
from facekey.core.types import Floats, ModelId, Reason
from facekey.core.voice import VoiceEvidence
from facekey.voice.decode import AudioLimits, decode
from facekey.voice.denoise import noise_of, without_noise
from facekey.voice.encoder import SpeakerEncoder
from facekey.voice.mel import mel_spectrogram
from facekey.voice.resample import RATE_HZ, to_16_khz
from facekey.voice.speech import STEP, STEP_S, SileroSpeech

SHORTEST_S = 0.5
SPEECH_S = 1.6  # one window of the encoder; `python -m bench voice` shows what shorter ones cost
SOME_SPEECH_S = 0.3  # below this there is none
SILENT_DBFS = -60.0
QUIET_DBFS = -50.0
LEVEL_DBFS = -25.0  # every recording is brought to it: how loud somebody was says who held the microphone how
CLIPPED_AT, CLIPPED_SHARE = 0.99, 0.01
SPEAKS, QUIET = 0.5, 0.2  # probabilities of speech
AROUND_SPEECH, AROUND_QUIET = 3, 2  # steps of 32 ms that go with it
LEAST_SNR_DB = 6.0
TELEPHONE_DB = -45.0  # power above 4.3 kHz against that of the telephone band, where that is all there was

StageObserver = Callable[[str, float], None]


class Listener:
    """The stages in order, synchronous. Safe to share between threads."""

    def __init__(
        self,
        *,
        speech: SileroSpeech,
        encoder: SpeakerEncoder,
        limits: AudioLimits | None = None,
        observe: StageObserver | None = None,
    ) -> None:
        """Take the networks; `observe` is told how long the stages `hear` and `voice` took."""
        self._speech = speech
        self._encoder = encoder
        self._limits = limits or AudioLimits()
        self._observe = observe

    @property
    def model_id(self) -> ModelId:
        """Of the network whose embeddings this gives."""
        return self._encoder.model_id

    def listen(self, recording: bytes) -> VoiceEvidence:
        """Say all that one recording says.

        Raises:
            AudioRefused: the bytes can't be read safely.
            SampleRejected: there is no voice in it that can be judged; says what to do.
            ModelOutputInvalid: a network failed.
        """
        sound = decode(recording, self._limits)
        with self._timed("hear"):
            samples = to_16_khz(sound.samples, sound.rate_hz)
            _require_level(samples)
            # A quiet voice is heard as well as a loud one.
            probabilities = self._speech.probabilities(samples * _gain(samples))
            speaks, quiet = _parts(probabilities, len(samples))
            spoken_s = float(np.count_nonzero(probabilities > SPEAKS) * STEP_S)
            snr_db = _require_voice(samples, speaks, spoken_s)
        with self._timed("voice"):
            levelled = samples * _gain(samples[speaks])
            kept = _widened(probabilities > SPEAKS, AROUND_SPEECH, len(samples))
            spoken = mel_spectrogram(levelled[kept])
            embedding = self._encoder.embed(
                without_noise(spoken, noise_of(mel_spectrogram(levelled[quiet]), spoken))
            )
        return VoiceEvidence(embedding, spoken_s, snr_db, telephone=_is_telephone(samples[kept]))

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        if self._observe is not None:
            self._observe(stage, time.perf_counter() - began)


def _require_level(samples: Floats) -> None:
    """What can be said before anybody looks for speech."""
    if len(samples) < SHORTEST_S * RATE_HZ:
        raise SampleRejected(Reason.VOICE_TOO_SHORT)
    if _dbfs(samples) < SILENT_DBFS:
        raise SampleRejected(Reason.VOICE_SILENT)
    if np.count_nonzero(np.abs(samples) >= CLIPPED_AT) > CLIPPED_SHARE * len(samples):
        raise SampleRejected(Reason.VOICE_CLIPPED)


def _require_voice(samples: Floats, speaks: NDArray[np.bool_], spoken_s: float) -> float:
    """What can be said of the speech; gives the signal-to-noise ratio in dB."""
    if spoken_s < SOME_SPEECH_S:
        raise SampleRejected(Reason.VOICE_NOT_HEARD)
    if _dbfs(samples[speaks]) < QUIET_DBFS:
        raise SampleRejected(Reason.VOICE_TOO_QUIET)
    if spoken_s < SPEECH_S:
        raise SampleRejected(Reason.VOICE_TOO_SHORT)
    # The quietest tenth of 20 ms frames is taken for the noise; there is always some between words.
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    noise = float(np.quantile((frames.astype(np.float64) ** 2).mean(axis=1), 0.1))
    snr_db = _dbfs(samples[speaks]) - 10.0 * float(np.log10(noise + 1e-12))
    if snr_db < LEAST_SNR_DB:
        raise SampleRejected(Reason.VOICE_TOO_NOISY)
    return snr_db


def _parts(probabilities: Floats, count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which samples are speech, and which have none near them; (N,) bool each."""
    speaks = _widened(probabilities > SPEAKS, 0, count)
    return speaks, ~_widened(probabilities > QUIET, AROUND_QUIET, count)


def _widened(steps: NDArray[np.bool_], by: int, count: int) -> NDArray[np.bool_]:
    """Steps as samples, with so many steps more on both sides."""
    wide = np.convolve(steps, np.ones(2 * by + 1), "same") > 0.5 if len(steps) > 2 * by else steps
    return np.repeat(wide, STEP)[:count]


def _gain(samples: Floats) -> np.float32:
    """What brings these samples to the common level."""
    return np.float32(10.0 ** ((LEVEL_DBFS - _dbfs(samples)) / 20.0))


def _dbfs(samples: Floats) -> float:
    """Power in dB of full scale; -120 for nothing."""
    power = float(np.mean(samples.astype(np.float64) ** 2)) if samples.size else 0.0
    return 10.0 * float(np.log10(power + 1e-12))


def _is_telephone(samples: Floats) -> bool:
    """Whether nothing lies above the band of a telephone."""
    powers = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1.0 / RATE_HZ)
    above = float(powers[(hertz > 4300) & (hertz < 7000)].sum())
    below = float(powers[(hertz > 300) & (hertz < 3400)].sum())
    return 10.0 * float(np.log10((above + 1e-12) / (below + 1e-12))) < TELEPHONE_DB
