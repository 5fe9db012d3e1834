//! The reference chat of Stonechat: a small but real backend that can be made ill on purpose.
//!
//! Users register, log in and send messages over HTTP or WebSockets; messages reach their
//! recipients by push. They also call, with picture and sound. Four services do it, each with listeners and metrics of its own:
//!
//! ```text
//!  users ── HTTP, WebSocket ──▶ gateway ── HTTP ──▶ logic ──▶ database
//!    ▲                          ▲    │                │
//!    └───────── push ───────────┼────┘                ▼
//!                               └── gRPC ── task ◀── queue
//!
//!  phones ── HTTP or WebSocket (offers), UDP (picture, sound) ──▶ media
//! ```
//!
//! By default the database is SQLite and the queue is inside the process; with the URL of a MariaDB
//! or a Redis, the same code works on those. [`run`] starts a chat on the current runtime:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use stonechat_demo::{Addresses, ChatConfig, Fault, run};
//!
//! let chat = run(ChatConfig::embedded(Addresses::any_free())).await?;
//! println!("http://{}/api/register", chat.addresses().gateway);
//! chat.faults().switch(Fault::SlowDb, true);
//! chat.stop().await;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! [`run_chat`] and [`run_load`] are the commands `chat serve` and `chat load`, for programs that
//! offer them under names of their own.

// The whole: command lines, start and stop, switches.
mod args; // the command lines
mod chat; // all services wired together
mod control; // faults on and off, over HTTP
mod fault; // ways to be ill

// The services, in the order in which a message passes them.
mod wire; // what services and users say to each other

mod gateway; // what users talk to

mod logic; // accounts, sessions, messages
mod store; // the database

mod queue; // between logic and task
mod task; // from the queue to the gateway

mod media; // calls over WebRTC
mod rtc; // what both ends of a call share

// Who chats.
mod load; // users with WebSockets, and with phones

// What all of them stand on.
mod call; // calls between services
mod ending; // when a program ends
mod listen; // listeners
mod queries; // what sqlx tells in the log
mod refusal; // how services say no
mod secret; // what nobody can guess
mod trace; // which request is worked on, through all services

pub use args::{CallArgs, ChatArgs, EndArgs, KeepArgs, ListenArgs, LoadArgs, MediaArgs};
pub use chat::{Addresses, Chat, ChatConfig, ChatError, run, run_chat};
pub use control::{SwitchError, switch_fault};
pub use fault::{Fault, FaultSet, Faults, UnknownFault};
pub use listen::ListenError;
pub use load::{LoadError, LoadReport, run_load};
pub use media::MediaConfig;
pub use queries::Queries;
pub use queue::{QueueConfig, QueueError};
pub use store::{StoreConfig, StoreError};
