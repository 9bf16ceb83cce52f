// Bytes by time: two lines on a canvas, with what is under the pointer or the arrow keys.
import { bytes, make } from "./words.js";

export function plot({ spans, since_s: since, until_s: until, span_s: span }) {
  const canvas = make("canvas", { class: "plot", tabindex: "0", role: "img", "aria-label": "Bytes sent and received, by time" });
  const told = make("span", { role: "status" });
  const keys = make("div", { class: "keys" }, make("span", {}, make("i", { class: "sent" }), "sent"), make("span", {}, make("i", { class: "received" }), "received"), told);
  const last = Math.max(since + span, until - span);
  const count = Math.round((last - since) / span) + 1;
  const sent = new Float64Array(count);
  const received = new Float64Array(count);
  for (const [start, out, into] of spans) {
    const at = Math.round((start - since) / span);
    if (at >= 0 && at < count) { sent[at] += out; received[at] += into; }
  }
  let most = 1;
  for (let at = 0; at < count; at += 1) most = Math.max(most, sent[at], received[at]);
  let chosen = -1;

  function draw() {
    const [wide, high, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio || 1];
    if (!wide) return;
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name);
    pen.scale(ratio, ratio);
    pen.font = `11px ${style.fontFamily}`;
    const [left, right, top, bottom] = [58, 8, 8, 20];
    const x = (at) => left + (wide - left - right) * at / (count - 1);
    const y = (value) => high - bottom - (high - top - bottom) * value / most;
    pen.fillStyle = colour("--soft");
    pen.strokeStyle = colour("--line");
    pen.lineWidth = 1;
    for (const part of [0, .5, 1]) {
      pen.beginPath(); pen.moveTo(left, y(most * part) + .5); pen.lineTo(wide - right, y(most * part) + .5); pen.stroke();
      pen.textAlign = "right";
      pen.fillText(bytes(most * part), left - 6, y(most * part) + 4);
    }
    const labels = Math.max(2, Math.min(8, Math.floor(wide / 130)));
    for (let n = 0; n < labels; n += 1) {
      const at = Math.round((count - 1) * n / (labels - 1));
      pen.textAlign = n === 0 ? "left" : n === labels - 1 ? "right" : "center";
      pen.fillText(time(since + at * span, count * span > 90000), x(at), high - 5);
    }
    for (const [series, name] of [[received, "--received"], [sent, "--sent"]]) {
      pen.beginPath();
      for (let at = 0; at < count; at += 1) pen.lineTo(x(at), y(series[at]));
      pen.strokeStyle = colour(name); pen.lineWidth = 1.6; pen.lineJoin = "round"; pen.stroke();
      pen.lineTo(x(count - 1), y(0)); pen.lineTo(x(0), y(0)); pen.closePath();
      pen.globalAlpha = .12; pen.fillStyle = colour(name); pen.fill(); pen.globalAlpha = 1;
    }
    if (chosen >= 0) {
      pen.strokeStyle = colour("--soft"); pen.lineWidth = 1;
      pen.beginPath(); pen.moveTo(x(chosen), top); pen.lineTo(x(chosen), high - bottom); pen.stroke();
    }
  }
  function choose(at) {
    chosen = Math.max(-1, Math.min(count - 1, at));
    told.textContent = chosen < 0 ? "" : `${time(since + chosen * span, true)}: ${bytes(sent[chosen])} sent, ${bytes(received[chosen])} received`;
    draw();
  }
  canvas.addEventListener("pointermove", (event) => choose(Math.round((event.offsetX - 58) / (canvas.clientWidth - 66) * (count - 1))));
  canvas.addEventListener("pointerleave", () => choose(-1));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { choose((chosen < 0 ? count - 1 : chosen) + step); event.preventDefault(); }
  });
  const watch = new ResizeObserver(draw);
  watch.observe(canvas);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  return { element: make("div", {}, keys, canvas), leave: () => { watch.disconnect(); dark.removeEventListener("change", draw); } };
}

function time(seconds, day) {
  return new Date(seconds * 1000).toLocaleString([], { ...(day ? { weekday: "short" } : {}), hour: "2-digit", minute: "2-digit" });
}
