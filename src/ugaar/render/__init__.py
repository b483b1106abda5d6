"""External renderers: TiMidity++ for sound, LilyPond for engraving."""
