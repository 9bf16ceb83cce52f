// A server and a client of HTTPS in one program of bun: the client sends bodies of these sizes, each is answered by itself
// reversed. Prints for each what was sent and what came back, as SHA-256.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [certificate, ...sizes] = process.argv.slice(2);
const pem = readFileSync(certificate, "utf8");
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  tls: { cert: pem, key: pem },
  maxRequestBodySize: 64 << 20,
  async fetch(request) {
    return new Response(new Uint8Array(await request.arrayBuffer()).reverse());
  },
});
const sum = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
for (const size of sizes) {
  const body = new Uint8Array(Number(size));
  let state = body.length + 1;
  for (let at = 0; at < body.length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    body[at] = state >>> 16;
  }
  const response = await fetch(`https://127.0.0.1:${server.port}/`, {
    method: "POST",
    body,
    // Every other request has a connection of its own.
    headers: Number(size) % 2 ? { connection: "close" } : {},
    tls: { rejectUnauthorized: false },
  });
  console.log(size, sum(body), sum(new Uint8Array(await response.arrayBuffer())));
}
server.stop(true);
process.exit(0);
