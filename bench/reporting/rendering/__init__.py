"""Render sections: `formats.render` makes every format, each cell's text is made once."""
