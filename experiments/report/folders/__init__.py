"""Result folders read back: a study, a sweep, a comparison; and several studies side by side."""
