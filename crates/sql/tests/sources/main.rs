//! Sources against real servers: those named in the environment, SQLite in a file, and servers that a test starts itself where it has
//! to kill one. ClickHouse is a double, since its server is in no package of Debian; the double answers as its documentation says.

mod cancel; // a query that takes too long ends on the server too
mod clickhouse; // the double, and what is sent to it
mod decode; // every type of every database
mod heal; // servers that go and come back
mod limits; // rows, connections, time
mod redis; // one server, Sentinel, a cluster
mod refuse; // what writes, what is wrong, what is secret
mod rest; // a service of HTTP
mod servers; // servers that a test starts itself
mod setup; // sources and questions
mod tls; // certificates
