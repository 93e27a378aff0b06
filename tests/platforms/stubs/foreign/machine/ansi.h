/* gcc's own <stddef.h> asks for it where it finds the platform's macro; it needs nothing of it. */
