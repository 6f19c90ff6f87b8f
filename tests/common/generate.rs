//! Random valid programs.
