"""Writes small MusicXML scores for the tests: parts of notes with verses, ties, chords, voices."""

import zipfile

STEPS = {60: "C4", 62: "D4", 64: "E4", 65: "F4", 67: "G4", 69: "A4", 71: "B4", 72: "C5"}
DIVISIONS = 12


def lyric(text, syllabic="single", number=1):
    return f'<lyric number="{number}"><syllabic>{syllabic}</syllabic><text>{text}</text></lyric>'


def elision(first, second):
    return (
        '<lyric number="1"><syllabic>end</syllabic><text>' + first + "</text><elision>_</elision>"
        "<syllabic>single</syllabic><text>" + second + "</text></lyric>"
    )


def note(pitch, quarters=1.0, lyrics="", tie="", chord=False, grace=False, voice=1):
    """A note, or a rest where the pitch is None."""
    if pitch is None:
        what = "<rest/>"
    else:
        name = STEPS[pitch]
        what = f"<pitch><step>{name[0]}</step><octave>{name[1]}</octave></pitch>"
    length = "" if grace else f"<duration>{round(quarters * DIVISIONS)}</duration>"
    ties = "".join(f'<tie type="{kind}"/>' for kind in tie.split())
    return (
        f"<note>{'<grace/>' if grace else ''}{'<chord/>' if chord else ''}{what}{length}{ties}"
        f"<voice>{voice}</voice>{lyrics}</note>"
    )


def backup(quarters):
    return f"<backup><duration>{round(quarters * DIVISIONS)}</duration></backup>"


def tempo(qpm):
    return f'<direction><direction-type><words/></direction-type><sound tempo="{qpm}"/></direction>'


def bars(*contents, fifths=0, beats=4, transpose=""):
    """The bars of a part; the first one gets the attributes."""
    attributes = (
        f"<attributes><divisions>{DIVISIONS}</divisions><key><fifths>{fifths}</fifths></key>"
        f"<time><beats>{beats}</beats><beat-type>4</beat-type></time>{transpose}</attributes>"
    )
    return "".join(
        f'<measure number="{number}">{attributes if number == 1 else ""}{content}</measure>'
        for number, content in enumerate(contents, start=1)
    )


def score(*parts, title="Test piece"):
    """A score of (name, bars) parts."""
    names = "".join(
        f'<score-part id="P{n}"><part-name>{name}</part-name></score-part>'
        for n, (name, _) in enumerate(parts, start=1)
    )
    music = "".join(
        f'<part id="P{n}">{content}</part>' for n, (_, content) in enumerate(parts, start=1)
    )
    return (
        '<?xml version="1.0"?><score-partwise version="4.0"><movement-title>'
        f"{title}</movement-title><part-list>{names}</part-list>{music}</score-partwise>"
    )


def compressed(path, text):
    """Write a .mxl file."""
    container = (
        '<?xml version="1.0"?><container><rootfiles><rootfile full-path="score.xml"/>'
        "</rootfiles></container>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("score.xml", text)
