// The job as a graph, drawn from left to right: a layer holds what is as many steps from a source. And where the
// time of one batch went.
const boxWidth = 210, boxHeight = 58, layerGap = 96, rowGap = 18, margin = 8;
let drawn = "";            // the structure that is drawn
let chosenNode = null;
const stagesKnown = new Map();   // by batch, the newest ones that were looked at

function svg(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  if (text !== undefined) made.textContent = text;
  return made;
}
function shortened(text, most) { return text.length > most ? text.slice(0, most - 1) + "…" : text; }

// The steps of a node, each once.
function stepsOf(node) {
  const names = [node.name];
  for (const [i, one] of (node.operators || []).entries())
    if (!(i === 0 && node.source) && one.step !== names[names.length - 1]) names.push(one.step);
  return names;
}

// Where each node lies: behind all that lead to it, and near the middle of those in its column.
function placed(graph) {
  const places = new Map(graph.nodes.map(n => [n.id, { node: n, layer: 0, row: 0, into: [] }]));
  for (const e of graph.edges) places.get(e.to).into.push(places.get(e.from));
  // Nodes come behind what they read, so one pass is enough; outputs are last.
  for (const place of places.values())
    for (const before of place.into) place.layer = Math.max(place.layer, before.layer + 1);
  const layers = [];
  for (const place of places.values()) (layers[place.layer] = layers[place.layer] || []).push(place);
  for (const layer of layers) {
    for (const place of layer)
      place.wish = place.into.length ? place.into.reduce((sum, p) => sum + p.row, 0) / place.into.length : place.node.id;
    layer.sort((a, b) => a.wish - b.wish || a.node.id - b.node.id);
    layer.forEach((place, i) => place.row = i);
  }
  return { places, layers };
}

function drawGraph(graph) {
  const { places, layers } = placed(graph);
  const rows = Math.max(1, ...layers.map(layer => layer.length));
  const x = place => margin + place.layer * (boxWidth + layerGap);
  // Shorter columns stand in the middle of the longest one, as long as that can be seen at once.
  const y = place => margin + (place.row + Math.max(0, Math.min(rows, 8) - layers[place.layer].length) / 2) * (boxHeight + rowGap);
  const width = layers.length * (boxWidth + layerGap) - layerGap + 2 * margin;
  const picture = svg("svg", { width, height: rows * (boxHeight + rowGap) - rowGap + 2 * margin, role: "group", "aria-label": "Graph of the job" });
  graph.edges.forEach((e, i) => {
    const from = places.get(e.from), to = places.get(e.to);
    const x1 = x(from) + boxWidth, y1 = y(from) + boxHeight / 2, x2 = x(to), y2 = y(to) + boxHeight / 2, bend = Math.max(40, (x2 - x1) / 2);
    const isLooked = e.records === undefined;
    picture.append(svg("path", { class: isLooked ? "edge look" : "edge", d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}` }));
    const many = graph.edges.filter(other => other.from === e.from).length > 1;
    picture.append(svg("text", { class: "rate", id: "edge" + i, x: many ? x2 - 6 : (x1 + x2) / 2, y: many ? y2 - 6 : (y1 + y2) / 2 - 6, "text-anchor": many ? "end" : "middle" }));
  });
  for (const place of places.values()) {
    const n = place.node, box = svg("g", { class: "node " + n.kind, id: "node" + n.id, tabindex: 0, role: "button", transform: `translate(${x(place)},${y(place)})` });
    box.append(svg("title", {}), svg("rect", { class: "box", width: boxWidth, height: boxHeight, rx: 7 }), svg("rect", { class: "kind", width: 5, height: boxHeight, rx: 2 }),
      svg("text", { x: 14, y: 22 }, shortened(n.name, 27)), svg("text", { class: "soft", x: 14, y: 42 }),
      svg("rect", { class: "busy", x: 14, y: boxHeight - 7, width: 0, height: 3, rx: 1.5 }));
    box.dataset.id = n.id;
    picture.append(box);
  }
  get("graph").replaceChildren(picture);
}

function wordsOf(n) {
  if (n.kind === "output") return "output";
  const more = stepsOf(n).length - 1, fused = more ? "+ " + more + (more === 1 ? " step" : " steps") : "";
  const time = n.last_ms === undefined ? "in the stages before" : ms(n.last_ms) + " ms";
  return [time, n.states.length ? "state " + shortened(n.states.join(", "), 12) : "", fused].filter(t => t).join(" · ");
}

function showGraph() {
  const graph = status.graph;
  get("graphCard").hidden = graph.nodes.length === 0;
  const structure = JSON.stringify([graph.nodes.map(n => [n.id, n.name]), graph.edges.map(e => [e.from, e.to])]);
  if (structure !== drawn) {
    drawGraph(graph);
    drawn = structure;
  }
  graph.edges.forEach((e, i) => {
    get("edge" + i).textContent = e.records_per_s === undefined ? "" : count(e.records_per_s) + "/s";
  });
  for (const n of graph.nodes) {
    const box = get("node" + n.id), words = wordsOf(n);
    box.querySelector("text.soft").textContent = words;
    box.querySelector("title").textContent = stepsOf(n).join(" > ");
    box.querySelector("rect.busy").setAttribute("width", Math.round((boxWidth - 28) * Math.min(1, n.busy || 0)));
    box.setAttribute("aria-label", n.kind + " " + n.name + ", " + words);
    box.setAttribute("aria-pressed", String(n.id === chosenNode));
    box.classList.toggle("chosen", n.id === chosenNode);
  }
  showNode(graph);
}

function showNode(graph) {
  const n = graph.nodes.find(one => one.id === chosenNode);
  if (!n) return get("node").replaceChildren();
  const rates = (end, of) => graph.edges.filter(e => e[of] === n.id && e.records_per_s !== undefined)
    .map(e => graph.nodes.find(one => one.id === e[end]).name + ": " + count(e.records_per_s) + " records/s, " + count(e.records) + " since the start");
  const lines = [...rates("from", "to").map(t => "from " + t), ...rates("to", "from").map(t => "to " + t)];
  for (const name of n.states || []) lines.push("keeps the state " + name);
  if (n.last_ms !== undefined)
    lines.push("its stage ran for " + ms(n.last_ms) + " ms in the last batch" + (n.busy === undefined ? "" : ", and " + Math.round(100 * n.busy) + " % of the time"));
  else if (n.kind !== "output") lines.push("it runs in the stages that lead to it, or in outputs that read it");
  const list = element("ol");
  for (const one of n.operators || []) list.append(element("li", one.operator + (one.step === one.operator ? "" : ", of " + one.step)));
  get("node").replaceChildren(element("h3", n.name), ...lines.map(t => element("p", t)), ...(list.childNodes.length ? [element("p", "One loop of:"), list] : []));
}
function chooseNode(event) {
  const box = event.target.closest("g.node");
  if (!box || (event.type === "keydown" && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  const id = Number(box.dataset.id);
  chosenNode = chosenNode === id ? null : id;
  showGraph();
}
get("graph").addEventListener("click", chooseNode);
get("graph").addEventListener("keydown", chooseNode);
// What has the focus is in sight, from its beginning to its end.
get("graph").addEventListener("focusin", event => {
  if (event.target.closest("g.node")) event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
});

// Where the batch's time went, as far as that is known already; it is asked for otherwise.
function timesOf(id) {
  const all = element("div", undefined, "times"), known = stagesKnown.get(id);
  if (!known) {
    askStages(id);
    return all;
  }
  const bar = (name, took) => {
    const line = element("div"), meter = element("div", undefined, "meter"), part = element("i");
    part.style.width = Math.min(100, 100 * took / Math.max(known.processingTime, 1e-9)) + "%";
    meter.append(part);
    line.append(element("span", name), element("span", ms(took) + " ms", "soft"), meter);
    all.append(line);
  };
  // What took less than a thousandth of it is left to the rest.
  const shown = [...known.stages.filter(s => s.ms >= known.processingTime / 1000).map(s => ["stage " + s.name, s.ms]),
    ...known.outputs.map(o => ["output " + o.name, o.ms])].sort((a, b) => b[1] - a[1]).slice(0, 20);
  for (const [name, took] of shown) bar(name, took);
  bar("the rest", Math.max(0, known.processingTime - shown.reduce((sum, one) => sum + one[1], 0)));
  return all;
}
async function askStages(id) {
  const process = status.process;
  try {
    const answer = await askJson(application() + "/streaming/batches/" + id + "/stages");
    if (process !== status.process || answer.processingTime === undefined) return;
    stagesKnown.set(id, answer);
    if (stagesKnown.size > 50) stagesKnown.delete(stagesKnown.keys().next().value);
    if (open === id) showAtOnce();
  } catch (error) {
    return;   // it is older than what the job keeps; the rest of the row is there
  }
}
