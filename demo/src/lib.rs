//! A small chat backend: gateway, logic, task, and the load that chats through it.
