"""Rules of the workspace: pure values, no time and no storage of their own."""
