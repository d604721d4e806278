"use strict";
const get = id => document.getElementById(id);
const kept = 1000, shown = 20;
const batches = [];        // oldest first
let process = null, held = false, open = null, status = null, away = false;

function count(n) { return Math.round(n).toLocaleString("en"); }
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) { n /= 1024; i++; }
  return (i && n < 10 ? n.toFixed(1) : Math.round(n)) + " " + units[i];
}
function span(s) {
  if (s < 1) return Math.round(1000 * s) + " ms";
  if (s < 10) return s.toFixed(1) + " s";
  if (s < 120) return Math.round(s) + " s";
  if (s < 7200) return Math.floor(s / 60) + " min " + Math.floor(s % 60) + " s";
  if (s < 172800) return Math.floor(s / 3600) + " h " + Math.floor(s % 3600 / 60) + " min";
  return Math.floor(s / 86400) + " days " + Math.floor(s % 86400 / 3600) + " h";
}
function ms(n) { return n < 10 ? n.toFixed(1) : count(n); }
function clock(t) { return new Date(t).toISOString().substr(11, 8); }

// Elements hold text only as text: what comes from a peer is never markup.
function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
function row(cells, tag = "td") {
  const made = element("tr");
  for (const [text, className] of cells) made.append(element(tag, text, className));
  return made;
}
function tile(label, value, note, part) {
  const made = element("div", undefined, "card");
  made.append(element("span", label, "soft"), element("b", value), element("span", note, "soft"));
  if (part !== undefined) {
    const meter = element("div", undefined, "meter"), bar = element("i");
    bar.style.width = Math.min(100, 100 * part) + "%";
    if (part > 0.95) bar.className = "full";
    meter.append(bar);
    made.append(meter);
  }
  return made;
}

const verdicts = { well: "Well", behind: "Behind", trouble: "Trouble" };

function showStatus() {
  const s = status;
  document.title = verdicts[s.health] + " – " + s.job;
  get("job").textContent = s.job;
  get("about").textContent = s.phase + " for " + span(s.runs_s) + " · process " + s.process +
    " · tidemill " + s.version + " · " + s.data_dir;
  get("health").className = "card " + s.health;
  get("verdict").textContent = verdicts[s.health];
  get("words").replaceChildren(...s.words.map(w => element("p", w)));
  const r = s.rates || { records_per_s: 0, bytes_per_s: 0, busy: 0 }, b = s.batch, m = s.memory;
  const part = (name) => m[name + "_budget_bytes"] ? m[name + "_bytes"] / m[name + "_budget_bytes"] : 0;
  const c = s.checkpoint;
  get("tiles").replaceChildren(
    tile("records a second", count(r.records_per_s), bytes(r.bytes_per_s) + "/s"),
    tile("the last batch began late by", ms(b.waited_ms) + " ms", "one every " + span(b.interval_ms / 1000)),
    tile("and took", ms(b.processing_ms) + " ms", "batches run " + Math.round(100 * r.busy) + " % of the time", r.busy),
    tile("taken since the start", count(b.records), count(b.since_start) + " batches, " + bytes(b.bytes)),
    tile("received, not yet processed", bytes(m.receive_bytes), "of " + bytes(m.receive_budget_bytes), part("receive")),
    tile("changed state", bytes(m.delta_bytes), "of " + bytes(m.delta_budget_bytes), part("delta")),
    tile("last checkpoint", c.age_s === undefined ? "none yet" : span(c.age_s) + " ago",
      c.batch === undefined ? "" : "of batch " + c.batch + (s.replay_s === undefined ? "" : "; a crash costs " + span(s.replay_s))),
    tile("log, memory", bytes(s.log.bytes), bytes(m.resident_bytes) + (m.budget_bytes ? " of " + bytes(m.budget_bytes) : "") + " in memory"));
  const behind = x => x.lag_records !== undefined ? count(x.lag_records) : x.lag_ms !== undefined ? ms(x.lag_ms) + " ms" : "";
  const lag = s.sources.some(x => behind(x) !== "");
  get("sources").replaceChildren(
    row([["", "text"], ["records/s"], ["bytes/s"], ["records"], ["connections"], ["errors"]].concat(lag ? [["behind its peer"]] : []), "th"),
    ...s.sources.map(x => row([
      [x.description + (x.paused ? ": paused" : "") + (x.retries ? ": " + x.last_error : ""), x.retries ? "text error" : "text"],
      [count(x.records_per_s || 0)], [bytes(x.bytes_per_s || 0)], [count(x.records)],
      [count(x.connections)], [count(x.errors)]].concat(lag ? [[behind(x)]] : []))));
  get("outputsCard").hidden = s.outputs.length === 0;
  get("outputs").replaceChildren(...s.outputs.map(x => row([
    [x.description + (x.waits ? ": waits for its peer for " + span(x.waits_s) + ", " + count(x.attempts) + " attempts: " + x.last_error : ""),
     x.waits ? "text error" : "text"]])));
  get("errorsCard").hidden = s.errors.length === 0;
  get("errors").replaceChildren(...s.errors.slice().reverse().map(e =>
    row([[new Date(e.time_ms).toISOString().substr(0, 19).replace("T", " "), "text"], [e.source, "text"], [e.message, "text"]])));
}

function showBatches() {
  if (held || !status) return;
  const late = 2 * status.batch.interval_ms;
  const rows = [row([["batch"], ["time, UTC"], ["late, ms"], ["took, ms"], ["records"]], "th")];
  for (const b of batches.slice(-shown).reverse()) {
    const made = row([[String(b.id)], [clock(b.time_ms)], [ms(b.waited_ms)], [ms(b.processing_ms)], [count(b.records)]]);
    made.className = "batch" + (b.waited_ms >= late ? " late" : "");
    made.tabIndex = 0;
    made.dataset.id = b.id;
    rows.push(made);
    if (open === b.id) rows.push(detail(b));
  }
  get("batches").replaceChildren(...rows);
}
function detail(b) {
  const made = element("tr", undefined, "detail"), cell = element("td");
  cell.colSpan = 5;
  if (b.replayed) cell.append(element("div", "run again after a crash"));
  for (const i of b.inputs) cell.append(element("div", i.description + ": " + count(i.records) + " records, " + bytes(i.bytes)));
  for (const o of b.outputs)
    cell.append(element("div", o.description + ": " + ms(o.ms) + " ms" + (o.already_visible ? ", shown before already" : "") +
      (o.error ? ", failed: " + o.error : ""), o.error ? "error" : ""));
  if (!cell.childNodes.length) cell.append(element("div", "no outputs"));
  made.append(cell);
  return made;
}
function choose(event) {
  const line = event.target.closest("tr.batch");
  if (!line || (event.type === "keydown" && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  const id = Number(line.dataset.id);
  open = open === id ? null : id;
  const was = held;
  held = false;
  showBatches();
  held = was;
}
get("batches").addEventListener("click", choose);
get("batches").addEventListener("keydown", choose);
get("pause").addEventListener("click", () => {
  held = !held;
  get("pause").textContent = held ? "Go on" : "Hold still";
});

let rate, times;
function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
function chart(into, series) {
  const axis = { stroke: color("--soft"), grid: { stroke: color("--grid"), width: 1 }, ticks: { stroke: color("--grid") } };
  return new uPlot({
    width: 400, height: 200, series: [{ value: (u, t) => t === null ? "" : clock(1000 * t) }, ...series],
    axes: [{ ...axis, space: 80, values: (u, ts) => ts.map(t => clock(1000 * t)) },
           { ...axis, size: 62, values: (u, vs) => vs.map(v => v >= 1e6 ? v / 1e6 + " M" : v >= 1e4 ? v / 1e3 + " k" : v) }],
    scales: { y: { range: (u, low, high) => [0, Math.max(high * 1.1, 1)] } },
    cursor: { points: { size: 6 } },
  }, [[], ...series.map(() => [])], into);
}
function makeCharts() {
  for (const id of ["rate", "times"]) get(id).replaceChildren();
  rate = chart(get("rate"), [{ label: "records/s", stroke: color("--a"), fill: color("--a") + "22", value: (u, v) => v === null ? "" : count(v) }]);
  times = chart(get("times"), [
    { label: "late", stroke: color("--b"), width: 1.5, value: (u, v) => v === null ? "" : ms(v) },
    { label: "took", stroke: color("--a"), width: 1.5, value: (u, v) => v === null ? "" : ms(v) },
    { label: "interval", stroke: color("--soft"), dash: [5, 4], points: { show: false } }]);
  fit();
}
function fit() {
  for (const [id, made] of [["rate", rate], ["times", times]])
    made.setSize({ width: get(id).clientWidth, height: 200 });
}
function showCharts() {
  if (!status) return;
  const at = batches.map(b => b.time_ms / 1000), interval = status.batch.interval_ms;
  rate.setData([at, batches.map((b, i) => 1000 * b.records / Math.max(interval, i ? b.time_ms - batches[i - 1].time_ms : 0))]);
  times.setData([at, batches.map(b => b.waited_ms), batches.map(b => b.processing_ms), batches.map(() => interval)]);
}
addEventListener("resize", fit);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { makeCharts(); if (status) showCharts(); });

// Where the job asks for a token, a person gives it once for this tab.
let token = sessionStorage.getItem("tidemill-token");
async function request(path) {
  const answer = await fetch(path, { cache: "no-store", headers: token ? { Authorization: "Bearer " + token } : {} });
  get("login").hidden = answer.status !== 401;
  return answer;
}
async function ask(path) {
  const answer = await request(path);
  if (!answer.ok) throw new Error(path + ": " + answer.status);
  return answer;
}
get("login").addEventListener("submit", event => {
  event.preventDefault();
  token = get("token").value.trim();
  sessionStorage.setItem("tidemill-token", token);
  follow();
});

async function takeStatus(next) {
  status = next;
  if (process !== status.process) {
    process = status.process;
    batches.length = 0;
    await takeBatches(null);
    get("plan").textContent = await (await ask("api/v1/plan")).text();
    forgetTables();
  }
  if (!tablesKnown && status.checkpoint.batch !== undefined) showTables();
  showStatus();
  away = false;
}
// Those that are new; null: they must be asked for.
async function takeBatches(more) {
  const last = batches.length ? batches[batches.length - 1].id : 0;
  if (more === null || (more.length && last && more[0].id > last + 1))
    more = await (await ask("api/v1/batches?after=" + last)).json();
  batches.push(...more.filter(b => b.id > last));
  if (batches.length > kept) batches.splice(0, batches.length - kept);
  showBatches();
  showCharts();
}
function takeNothing() {
  if (!away) {
    get("health").className = "card trouble";
    get("verdict").textContent = "No answer";
    get("words").replaceChildren(element("p", "The job does not answer any more; it may have been stopped. What stands below is what it said last."));
    document.title = "No answer – " + (status ? status.job : "Tidemill");
  }
  away = true;
}

// The job sends what is new every second. Where too many listen, it is asked now and then.
async function listen() {
  const answer = await request("api/v1/events");
  if (answer.status === 401) return askForToken();
  if (answer.status === 503) return look();
  if (!answer.ok) throw new Error("events: " + answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const event = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end));
      if (event && event[1] === "status") await takeStatus(JSON.parse(event[2]));
      else if (event && event[1] === "batches") await takeBatches(JSON.parse(event[2]));
    }
  }
}
async function look() {
  await takeStatus(await (await ask("api/v1/status")).json());
  await takeBatches(null);
}
function askForToken() {
  get("verdict").textContent = "Who asks?";
  get("words").replaceChildren(element("p", token ? "That is not the token." : "The job tells those who have its token."));
  document.title = "Tidemill";
  if (document.activeElement !== get("token")) get("token").focus();
}
let followed = null;
async function follow() {
  clearTimeout(followed);
  try {
    await listen();
  } catch (error) {
    takeNothing();
  }
  if (get("login").hidden) followed = setTimeout(follow, document.hidden ? 10000 : 2000);
}
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
  if (event.key === "h") get("pause").click();
  else if (event.key === "/") get("prefix").focus();
  else return;
  event.preventDefault();
});
makeCharts();
follow();
