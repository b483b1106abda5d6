"""Settings of reading and cutting that several tests share."""

SOURCE = {
    "also": [],
    "path": None,
    "include": [],
    "default_tempo_qpm": 100.0,
    "verse": "most-complete",
    "melisma": "extend",
    "melisma_rest_s": 4.0,
    "midi": {},
}
WINDOW = {
    "notes": 20,
    "per_song": "all",
    "song_share": 1.0,
    "max_silence_s": 4.0,
    "max_note_s": 30.0,
    "grid_per_quarter": 4,
    "max_quantise_error_s": 0.12,
}
