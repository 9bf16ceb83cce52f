// A record in words: verb, object, result; and what it is found by.

const CHANGES = ["file_unlink", "file_rename", "file_link", "file_symlink", "file_mkdir", "file_mknod", "file_chmod", "file_chown", "file_truncate"];
const FINDS = ["content_match", "alert", "policy_deny"];
const TALK = ["dns", "http", "tls_data", "stdio"];

function family(record) {
  const kind = record.kind;
  if (FINDS.includes(kind)) return "content";
  if (kind.startsWith("process_")) return "process";
  if (kind.startsWith("net_") || TALK.includes(kind)) return "net";
  if (CHANGES.includes(kind) || (kind === "file_open" && record.mode !== "read")) return "change";
  return kind.startsWith("file_") ? "file" : "run";
}

// What repeats and says little by itself.
function isNoise(record) {
  if (record.kind === "file_mmap") return record.ret >= 0;
  if (record.kind === "file_close") return !record.write_bytes;
  if (record.kind === "net_close") return !record.bytes_sent && !record.bytes_received;
  return record.kind === "process_snapshot" && !record.watched;
}

const OPENS = { read: "open r", write: "open w", read_write: "open rw", create: "create" };
function verb(record) {
  const kind = record.kind;
  if (kind === "file_open") return OPENS[record.mode] || "open";
  if (kind === "process_exec_failed") return "exec";
  if (kind === "content_match") return "secret";
  if (kind === "policy_deny") return "deny";
  if (TALK.includes(kind)) return kind === "tls_data" ? "tls" : kind;
  const at = kind.indexOf("_");
  return at < 0 ? kind : kind.slice(at + 1);
}

const named = (record) => (record.name ? ` (${clean(record.name)})` : "");
const path = (record) => clean(record.path ?? record.raw_path ?? "?") + (record.deleted ? " (deleted)" : "");

const OBJECTS = {
  process_snapshot: (r) => command(r.argv) || clean(r.exe),
  process_fork: (r) => `pid ${r.child_pid}`,
  process_exec: (r) => command(r.argv) + (r.argv_truncated ? " …" : ""),
  process_exit: () => "",
  file_rename: (r) => `${path(r)} ${r.exchange ? "↔" : "→"} ${clean(r.new_path ?? r.raw_new_path ?? "?")}`,
  file_link: (r) => `${path(r)} → ${clean(r.new_path ?? r.raw_new_path ?? "?")}`,
  file_symlink: (r) => `${path(r)} → ${clean(r.target ?? "?")}`,
  file_mknod: (r) => `${path(r)} ${r.node.replace("_", " ")} ${r.mode.toString(8).padStart(4, "0")}`,
  file_chmod: (r) => `${path(r)} ${r.mode.toString(8).padStart(4, "0")}`,
  file_chown: (r) => `${path(r)} ${r.owner ?? "-"}:${r.group ?? "-"}`,
  file_truncate: (r) => `${path(r)} to ${bytes(r.length)}`,
  net_connect: (r) => `${clean(r.proto)} ${clean(r.remote ?? "?")}${named(r)}`,
  net_send: (r) => `${clean(r.proto)} ${clean(r.remote ?? "?")}${named(r)}`,
  net_bind: (r) => `${clean(r.proto)} ${clean(r.local ?? "?")}`,
  net_listen: (r) => `${clean(r.proto)} ${clean(r.local ?? "?")}`,
  net_accept: (r) => `${clean(r.proto)} ${clean(r.remote ?? "?")} at ${clean(r.local ?? "?")}`,
  net_close: (r) => `${clean(r.proto)} ${clean(r.remote ?? r.local ?? "?")}${named(r)}`,
  content_match: (r) => `${clean(r.rule)} ${way(r)} ${clean(r.path ?? r.remote ?? `fd ${r.fd}`)}: ${clean(r.redacted)}`,
  alert: (r) => `${clean(r.rule)}: ${clean(r.message)}`,
  policy_deny: (r) => `${clean(r.rule)}: ${denied(r)}`,
  dns: (r) => `${clean(r.query)} ${clean(r.qtype)}` + (r.rcode ? `: ${r.rcode === "NOERROR" ? clean(r.answers.join(", ")) || "nothing" : clean(r.rcode)}` : ""),
  http: (r) => `${clean(r.method ?? "?")} ${clean(r.host ?? "")}${clean(r.path ?? "")}` + (r.message === "request" ? "" : ` is ${r.status ?? "answered"}`),
  stdio: (r) => `${STREAMS[r.fd] ?? `fd ${r.fd}`} ${r.direction === "send" ? "wrote" : "read"} ${clean(r.message)} ${clean(r.method ?? "")}${r.id === undefined ? "" : ` #${clean(r.id)}`} ${bytes(r.body_bytes)}${r.truncated ? ", not shown" : ""}: ${clean(JSON.stringify(r.body ?? "").slice(0, 120))}`,
  tls_data: (r) => `${clean(r.remote ?? `#${r.conn}`)} ${r.direction === "send" ? "sent" : "received"} ${bytes(r.len)}: ${clean(r.data.slice(0, 120))}`,
};

const denied = (r) => `${clean(r.action)} ${clean(r.path ?? r.remote ?? "")}`.trim();
const STREAMS = ["stdin", "stdout", "stderr"];

const WAYS = { file_read: "read from", file_write: "written to", net_send: "sent to", net_recv: "received from" };
const way = (r) => WAYS[r.source] || (r.direction === "recv" ? "received by TLS from" : "sent by TLS to");

const object = (record) => (OBJECTS[record.kind] || ((r) => (r.path || r.raw_path ? path(r) : "")))(record);

const isFailure = (record) => record.ret < 0 && record.errno !== "EINPROGRESS";
function result(record) {
  if (record.ret < 0) return clean(record.errno ?? record.ret);
  if (record.kind === "process_exit") {
    const how = record.signal !== null ? `signal ${record.signal}` : String(record.code);
    return record.duration_ns ? `${how} after ${duration(record.duration_ns)}` : how;
  }
  if (record.kind === "file_close") return moved("read", record.read_bytes, "wrote", record.write_bytes);
  if (record.kind === "net_close") return moved("received", record.bytes_received, "sent", record.bytes_sent);
  return "";
}
const moved = (into, a, out, b) => [a ? `${into} ${bytes(a)}` : "", b ? `${out} ${bytes(b)}` : ""].filter(Boolean).join(", ");

// A question: words that must be there, words that must not, and fields.
function question(text) {
  const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const field = /^(kind|pid|comm):(.+)$/.exec(word);
    if (field) return (item) => item.hasField(field[1], field[2]);
    if (word.length > 1 && word[0] === "-") return (item) => !item.text().includes(word.slice(1));
    return (item) => item.text().includes(word);
  });
  return (item) => tests.every((test) => test(item));
}

// How a record answers to it; its text is made once, when it is asked for.
const asked = (record) => ({
  text: () => (record.words ??= `${record.kind} ${verb(record)} ${object(record)} ${result(record)} ${record.proc ? `${record.proc.pid} ${clean(record.proc.comm)}` : ""}`.toLowerCase()),
  hasField: (name, value) =>
    name === "kind" ? record.kind.includes(value) : name === "pid" ? String(record.proc?.pid) === value : (record.proc?.comm ?? "").toLowerCase().includes(value),
});
