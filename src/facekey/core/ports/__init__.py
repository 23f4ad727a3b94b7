"""The plugs: what the inside asks of the outside, one to three methods each; one file for each part.

A port belongs to who calls it and is as small as that caller needs. `wiring` alone
knows what is plugged in. Import from the files: this one has nothing to give.
"""
