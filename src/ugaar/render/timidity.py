"""Batches of MIDI files through one TiMidity++ process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ugaar.errors import ToolError
from ugaar.render import external
from ugaar.render.batch import StoppedError
from ugaar.render.midi import write_midi

AMPLIFICATION_PERCENT = 70
"""TiMidity++'s own default, stated so that no configuration file of the system can change it."""


@dataclass(frozen=True)
class Synthesiser:
    """How TiMidity++ is called.

    Attributes:
        soundfont: the checked SF2 file.
        program: General MIDI program.
        sample_rate_hz: sampling rate.
        stall_s: the process is stopped when it finishes no clip for so long, seconds.
        command: the program.
    """

    soundfont: Path
    program: int
    sample_rate_hz: int
    stall_s: float
    command: external.Program = external.TIMIDITY

    def prepare(self, folder: Path) -> None:
        """Write the configuration into a folder.

        Debian's own configuration names a soundfont that need not be installed, and TiMidity++
        reads it whatever its options. An explicit entry for our program overrides any mapping of
        the system; the link spares us TiMidity++'s quoting rules.
        """
        (folder / "font.sf2").symlink_to(self.soundfont)
        (folder / "own.cfg").write_text(
            f"dir .\nsoundfont font.sf2\nbank 0\n{self.program} %font font.sf2 0 {self.program}\n",
            encoding="ascii",
        )

    def synthesise(self, folder: Path, midis: Sequence[Path]) -> Iterator[Path]:
        """Render files in order, yielding each WAV file as soon as it is complete.

        The caller may delete a file when it has read it, so the disk never holds the whole shard.

        Args:
            folder: a prepared folder.
            midis: MIDI files in it; `x.mid` becomes `x.wav`.

        Yields:
            Paths of 16-bit mono WAV files.

        Raises:
            StoppedError: the process ended or hung before the next file was complete.
            ToolError: TiMidity++ is missing.
            DiskFullError: the disk is full.
        """
        environment = {
            name: value for name, value in os.environ.items() if name != "TIMIDITY_CFG"
        } | {"HOME": str(folder)}
        arguments = [
            *("-c", "own.cfg", "-idqq", "-Ow1slM", f"-A{AMPLIFICATION_PERCENT}"),
            *("-s", str(self.sample_rate_hz), *(midi.name for midi in midis)),
        ]
        waves = [midi.with_suffix(".wav") for midi in midis]
        with external.start(
            self.command,
            arguments,
            folder=folder,
            stall_s=self.stall_s,
            environment=environment,
        ) as process:
            for wave, following in pairwise(waves):
                if not process.wait_until(following.exists):
                    raise StoppedError(process.complaint())
                # On a full disk it goes on, with a file cut short that looks whole.
                process.check_disk(failed=False)
                yield wave
            process.wait()
            process.check_disk(failed=False)
            if process.process.returncode != 0 or not waves[-1].exists():
                raise StoppedError(process.complaint())
            yield waves[-1]

    def probe(self, folder: Path) -> None:
        """Render one middle C.

        Raises:
            ToolError: not even that works, so the fault is not in an item.
        """
        midi = folder / "probe.mid"
        write_midi(midi, [60], [0.0], [0.5], self.program, 90)
        try:
            for wave in self.synthesise(folder, [midi]):
                wave.unlink()
        except StoppedError as stop:
            raise ToolError(
                f"{self.command.name} cannot render a single note with {self.soundfont}: {stop}; "
                f"{self.command.remedy}, and check the soundfont with `ugaar doctor`"
            ) from stop
