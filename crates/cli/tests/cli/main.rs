//! The binary as its users meet it: statuses, messages, files, pipes and terminals.
//!
//! Runs use the ptrace back end, which needs no privilege, and replays. What needs root says so when it is skipped.

mod agents;
mod attach;
mod auto;
mod browser;
mod calls;
mod chain;
mod compile;
mod content;
mod control;
mod dns;
mod everywhere;
mod filter;
mod help;
mod lan;
mod lan_alerts;
mod lan_daemons;
mod lan_db;
mod lan_live;
mod lan_load;
mod lan_notify;
mod lan_scans;
mod lan_serve;
mod lan_tui;
mod lan_unit;
mod on_access;
mod output;
mod policy;
mod provenance;
mod records;
mod redact;
mod report;
mod run;
mod scan;
mod scan_odd;
mod scan_terminal;
mod screen;
mod status;
mod stdio;
mod terminal;
mod tls;
mod tls_built_in;
mod tls_go;
mod tls_pid;
mod tui;
