//! Sources against real servers: those named in the environment, and SQLite in a temporary file.

mod cancel; // a query that takes too long ends on the server too
mod decode; // every type of every database
mod heal; // servers that go and come back
mod limits; // rows, connections, time
mod refuse; // what writes, what is wrong, what is secret
mod setup; // sources and questions
