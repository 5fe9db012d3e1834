//! Every path, asked as a client asks it, over real rooms; and the same questions to a real Prometheus, where one is
//! installed.

mod bench; // rooms, and how they are asked
mod cases; // what is asked of Prometheus' API, and what it answers
mod own; // what only this server answers
mod peer; // the same to Prometheus
mod places; // limits of what runs at a time
mod wire; // connections
mod write; // remote write
