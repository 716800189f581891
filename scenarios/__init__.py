"""The scenarios, one file each: a protocol that reads like its paper, and what to show of it."""
