//! Tools for the users of hotvm that stand above all the rest.
#![forbid(unsafe_code)]

pub mod golden;
pub mod grammar;
pub mod inspect;
