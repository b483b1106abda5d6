"""What an audio-sheet system is: two networks into one space, a loss, a refit after training."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ugaar.models.cca_layer import CCALayer
from ugaar.train.pair_pool import Shape


class AudioSheetSystem(nn.Module):
    """Base of all systems: towers to codes of one length, CCA between them, cosine similarity.

    A subclass sets `sheet` and `audio`, gives `loss`, and may replace the other three methods.

    Args:
        shape: size of the crops and excerpts that the towers take.
        front_end: spectrogram front end, 20fps or 31fps.
        code_size: length d of the towers' codes.
        ridge: added to the diagonal of both covariances of the CCA.

    Attributes:
        sheet: network from crops (n, 1, crop_height, crop_width), paper = 1, to codes (n, d).
        audio: network from excerpts (n, 1, bins, frames), low bins first, to codes (n, d).
        cca: the layer that projects the codes of the sheet, its first view, and of the audio.
    """

    sheet: nn.Module
    audio: nn.Module

    def __init__(self, shape: Shape, front_end: str, code_size: int, ridge: float) -> None:
        super().__init__()
        self.shape = shape
        self.front_end = front_end
        self.cca = CCALayer(code_size, ridge)

    def loss(self, sheet: Tensor, audio: Tensor) -> Tensor:
        """Return the training loss, a scalar, of a batch of matching codes (n, d), float32."""
        raise NotImplementedError

    def refit(self, sheet: Tensor, audio: Tensor) -> None:
        """Fit what is fitted after training to the towers' codes (n, d) of matching pairs."""
        self.cca.refit(sheet, audio)

    def sheet_codes(self, codes: Tensor) -> Tensor:
        """Turn the sheet tower's output (n, d) into unit-length codes of the common space."""
        return functional.normalize(self.cca.project_first(codes.float()))

    def audio_codes(self, codes: Tensor) -> Tensor:
        """Turn the audio tower's output (n, d) into unit-length codes of the common space."""
        return functional.normalize(self.cca.project_second(codes.float()))
