// From the base64 in the page to records. Lines are described in lines.rs.

const BREATH_MS = 40;

function decode(text) {
  const bin = atob(text);
  const bytes = new Uint8Array(bin.length);
  for (let at = 0; at < bin.length; at++) bytes[at] = bin.charCodeAt(at);
  return bytes;
}

// Reads everything; gives the browser time to draw in between.
async function load(node) {
  const run = { about: {}, procs: [], records: [], end: null };
  const stream = new Blob([decode(node.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  node.remove();
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  const state = { run, next: 0, first: 0 };
  let rest = "";
  let since = performance.now();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) take(state, JSON.parse(line));
    if (performance.now() - since > BREATH_MS) {
      await new Promise((go) => setTimeout(go));
      since = performance.now();
    }
  }
  return run;
}

function take(state, line) {
  const run = state.run;
  if (line.kind) {
    line.seq ??= state.next;
    state.next = line.seq + 1;
    line.proc = line.p === undefined ? null : run.procs[line.p];
    run.records.push(line);
  } else if (line.proc) run.procs.push(line.proc);
  else if (line.about) run.about = line.about;
  else if (line.end) run.end = line.end;
}
