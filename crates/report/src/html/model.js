// What the records come to: processes, files, hosts, conversations, finds. One pass.

function model(run) {
  const m = { run, processes: new Map(), files: new Map(), hosts: new Map(), talks: new Map(), secrets: [], alerts: [], bySeq: new Map(), kinds: new Map(), failures: 0, last: 0 };
  // What was there before is told first; the run begins with what happens first.
  const begin = run.records.find((record) => record.kind !== "process_snapshot")?.t ?? 0;
  for (const record of run.records) {
    record.t -= begin;
    m.bySeq.set(record.seq, record);
    m.kinds.set(record.kind, (m.kinds.get(record.kind) || 0) + 1);
    if (record.kind !== "process_snapshot") m.last = Math.max(m.last, record.t);
    if (isFailure(record)) m.failures++;
    const process = record.proc ? meet(m, record.proc, record) : null;
    if (process) process.records++;
    (COUNT[record.kind] || COUNT[record.kind.split("_")[0]] || (() => {}))(m, record, process);
  }
  m.watched = [...m.processes.values()].filter((process) => !process.ancestor).length;
  m.tree = tree(m);
  return m;
}

const key = (pid, start) => `${pid}/${start}`;

function meet(m, proc, record) {
  const process = entry(m.processes, key(proc.pid, proc.start_ns), () => ({
    pid: proc.pid, ppid: proc.ppid, uid: proc.uid, start: record.t, end: null, argv: null, exe: proc.exe, comm: proc.comm,
    parent: null, children: [], code: null, signal: null, records: 0, execs: 0, open: true,
  }));
  process.comm = proc.comm;
  process.exe = proc.exe ?? process.exe;
  return process;
}

const COUNT = {
  process_snapshot(m, r, process) {
    process.ancestor = !r.watched;
    process.argv ??= r.argv;
    process.exe = r.exe ?? process.exe;
    process.start = Math.min(process.start, 0);
  },
  process_fork(m, r, process) {
    const child = entry(m.processes, key(r.child_pid, r.child_start_ns), () => ({
      ...process, ancestor: false, pid: r.child_pid, ppid: process.pid, parent: process, start: r.t, end: null, argv: null, children: [], code: null, signal: null, records: 0, execs: 0,
    }));
    child.parent = process;
    child.start = r.t;
  },
  process_exec(m, r, process) {
    process.argv = r.argv;
    process.exe = r.exe ?? process.exe;
    process.execs++;
  },
  process_exit(m, r, process) {
    [process.end, process.code, process.signal] = [r.t, r.code, r.signal];
  },
  file(m, r, process) {
    if (!r.path) return;
    const file = entry(m.files, r.path, () => ({ path: r.path, reads: 0, writes: 0, read: 0, written: 0, created: 0, changes: 0, failures: 0, procs: new Set(), deleted: false }));
    if (process) file.procs.add(process);
    if (isFailure(r)) return void file.failures++;
    if (r.kind === "file_open") {
      if (r.mode !== "write") file.reads++;
      if (r.mode === "write" || r.mode === "read_write" || r.flags.includes("O_WRONLY") || r.flags.includes("O_RDWR")) file.writes++;
      if (r.mode === "create") file.created++;
    } else if (r.kind === "file_close") {
      file.read += r.read_bytes || 0;
      file.written += r.write_bytes || 0;
    } else if (r.kind !== "file_mmap") {
      file.changes++;
      file.deleted = r.kind === "file_unlink";
    }
  },
  net(m, r, process) {
    if (!r.remote || r.proto === "unix" || r.proto === "netlink") return;
    const host = hostOf(m, r);
    if (process) host.procs.add(process);
    if (r.name) host.name = r.name;
    if (isFailure(r)) host.failures++;
    else if (r.kind === "net_close") {
      host.sent += r.bytes_sent || 0;
      host.received += r.bytes_received || 0;
    } else host.contacts++;
  },
  dns(m, r) {
    for (const answer of r.answers) entry((m.names ??= new Map()), answer, () => r.query.replace(/\.$/, ""));
  },
  tls_data(m, r, process) {
    const talk = talkOf(m, r, process);
    talk.parts.push(r);
    talk[r.direction === "send" ? "sent" : "received"] += r.len;
    talk.secrets += r.secrets || 0;
    talk.library = r.library;
  },
  http(m, r, process) {
    const talk = talkOf(m, r, process);
    talk.messages.push(r);
    if (r.host) talk.host = r.host;
  },
  content_match: (m, r) => void m.secrets.push(r),
  alert: (m, r) => void m.alerts.push(r),
  policy_deny: (m, r) => void m.alerts.push(r),
};

const hostOf = (m, r) =>
  entry(m.hosts, `${r.proto} ${r.remote}`, () => ({ proto: r.proto, remote: r.remote, name: r.name ?? m.names?.get(ipOf(r.remote)), contacts: 0, failures: 0, sent: 0, received: 0, procs: new Set() }));
const ipOf = (remote) => remote.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");

const talkOf = (m, r, process) =>
  entry(m.talks, r.conn, () => ({ conn: r.conn, remote: r.remote, host: m.names?.get(ipOf(r.remote ?? "")), process, library: "", sent: 0, received: 0, secrets: 0, parts: [], messages: [], start: r.t }));

// Parents by fork where that was seen, else by number.
function tree(m) {
  const byPid = new Map();
  for (const process of m.processes.values()) byPid.set(process.pid, process);
  const roots = [];
  for (const process of m.processes.values()) {
    const parent = process.parent ?? byPid.get(process.ppid);
    process.parent = parent !== process && !isBelow(parent, process) ? parent : null;
    if (process.parent) process.parent.children.push(process);
    else roots.push(process);
  }
  for (const process of m.processes.values()) process.children.sort((a, b) => a.start - b.start);
  return roots;
}

function isBelow(process, above) {
  for (let steps = 0; process && steps < 10000; steps++, process = process.parent) if (process === above) return true;
  return false;
}

const commandOf = (process) => command(process.argv) || clean(process.exe ?? process.comm);
