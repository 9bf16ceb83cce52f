//! The literals of a whole rule set, sought in one pass.
