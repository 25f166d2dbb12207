"""The pure kernel: rules every context shares, standard library only, no clock and no I/O."""
