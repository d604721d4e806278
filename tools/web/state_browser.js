// The state of the newest checkpoint: rows by the beginning of their key, the largest, and one key's history.
const application = () => "api/v1/applications/" + encodeURIComponent(status.job);
let asked = 0;             // answers to older questions are late
let tablesKnown = false;   // those of this process

async function askJson(path) {
  const answer = await request(path);
  const json = await answer.json().catch(() => ({ error: path + ": " + answer.status }));
  if (!answer.ok) throw new Error(json.error);
  return json;
}
function note(text, isError) {
  get("stateNote").textContent = text;
  get("stateNote").className = isError ? "error" : "soft";
}

// Tables are known from the first checkpoint on.
const unknownTables = "There is something to see from the first checkpoint on.";
function forgetTables() {
  tablesKnown = false;
  note(unknownTables);
}
async function showTables() {
  tablesKnown = true;
  try {
    const state = await askJson(application() + "/state");
    if (get("stateNote").textContent === unknownTables)
      note("As the newest checkpoint has it. Choose a row to see it in every checkpoint there is.");
    const chosen = get("table").value;
    get("table").replaceChildren(...state.tables.map(t => {
      const option = element("option", t.name);
      option.title = t.types;
      return option;
    }));
    if (state.tables.some(t => t.name === chosen)) get("table").value = chosen;
    if (!state.tables.length) note("The job keeps no state.");
  } catch (error) {
    note(error.message, true);
  }
}

// Of a row's members the key's and the value's, as they are printed: parted by a tab.
function cells(line) {
  const tab = line.indexOf("\t");
  return tab < 0 ? [line, ""] : [line.slice(0, tab), line.slice(tab + 1)];
}
function showRows(answer) {
  const rows = [row([["key", "text"], ["value", "text"]], "th")];
  for (const one of answer.rows) {
    const [key, value] = cells(one.line);
    const made = row([[key, "text"], [one.too_large_bytes ? value + " … (" + bytes(one.too_large_bytes) + ")" : value, "text"]]);
    made.className = "row";
    made.tabIndex = 0;
    made.dataset.key = key;
    rows.push(made);
  }
  get("rows").replaceChildren(...rows);
  note(answer.rows.length + (answer.more ? " rows, and there are more" : answer.rows.length === 1 ? " row" : " rows") +
    ", of batch " + answer.batch + " at " + clock(answer.time_ms) + " UTC. Choose one to see it in every checkpoint there is.");
}
async function show(path) {
  const mine = ++asked;
  if (!get("table").value) await showTables();
  if (!get("table").value) return;
  note("asking …");
  try {
    const answer = await askJson(application() + "/state/" + encodeURIComponent(get("table").value) + path());
    if (mine === asked) showRows(answer);
  } catch (error) {
    if (mine === asked) note(error.message, true);
  }
}
async function showHistory(line) {
  const opened = line.nextElementSibling;
  if (opened && opened.className === "detail") return opened.remove();
  const made = element("tr", undefined, "detail"), cell = element("td");
  cell.colSpan = 2;
  try {
    const all = await askJson(application() + "/state/" + encodeURIComponent(get("table").value) +
      "/history?key=" + encodeURIComponent(line.dataset.key));
    for (const past of all)
      cell.append(element("div", "batch " + past.batch + " at " + clock(past.time_ms) + " UTC: " +
        (past.present ? cells(past.line)[1] : "not there")));
  } catch (error) {
    cell.append(element("div", error.message, "error"));
  }
  made.append(cell);
  line.after(made);
}
function chooseRow(event) {
  const line = event.target.closest("tr.row");
  if (!line || (event.type === "keydown" && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  showHistory(line);
}
get("rows").addEventListener("click", chooseRow);
get("rows").addEventListener("keydown", chooseRow);
get("search").addEventListener("submit", event => {
  event.preventDefault();
  show(() => "?limit=100&prefix=" + encodeURIComponent(get("prefix").value));
});
get("largest").addEventListener("click", () =>
  show(() => "/top?limit=20" + (get("by").value ? "&by=" + encodeURIComponent(get("by").value) : "")));
