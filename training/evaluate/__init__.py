"""How well it works, in the words of ISO/IEC 30107-3."""
