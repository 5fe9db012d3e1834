//! A small chat backend.
pub mod faulty {}
mod call; // calls between services
mod chat; // all services wired together
mod control; // faults on and off, over HTTP
mod ending; // when a program ends
mod fault; // ways to be ill
mod gateway; // what users talk to
mod listen; // listeners
mod logic; // accounts, sessions, messages
mod queue; // between logic and task
mod refusal; // how services say no
mod store; // the database
mod task; // from the queue to the gateway
mod wire; // what they say to each other
pub use chat::*;
