//! The core's rooms: placeholder of the actor; facts and errors are its words to the other rooms.

pub mod error;
pub mod facts;
