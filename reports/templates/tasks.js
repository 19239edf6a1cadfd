// The list of tasks: filters, search, order, and which task is open (it is in the address, so that Back works).
const PAGE = 100;
const FILTERS = ["all", "regressions", "gains", "hard", "disagree", "unscored", "cut", "rules", "flagged"];
let listed = [];
let shownCount = PAGE;
const searchable = new Map();

// For each filter: the figure by which tasks are ordered (null: not listed), and how it is told.
const measures = {
  all: () => 0,
  regressions: (sample) => { const d = difference(sample); return d !== null && d < 0 ? -d : null; },
  gains: (sample) => { const d = difference(sample); return d !== null && d > 0 ? d : null; },
  hard: (sample) => { const m = meanOf(sample); return m === null ? null : -m; },
  disagree: (sample) => spread(sample) || null,
  unscored: (sample) => count(sample, (row) => score(sample, row) === null),
  cut: (sample) => count(sample, (row) => answersOf(sample, row).some(([, end]) => end === 1)),
  rules: (sample) => count(sample, (row) => data.judges.some((judge, place) =>
    judge.kind === "checks" && verdictsOf(sample, row, place).some(([value]) => value !== null && value < judge.high))),
  flagged: (sample) => { const kept = noteOf(sample); return kept.flag || kept.note ? (kept.flag ? 2 : 1) : null; },
};

function count(sample, has) {
  return data.rows.reduce((sum, _, row) => sum + (has(row) ? 1 : 0), 0) || null;
}

function meanOf(sample) {
  const known = data.rows.map((_, row) => score(sample, row)).filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

// How far judges of the same scale are apart on a task, averaged over rows.
function spread(sample) {
  const now = judgeNow();
  const boards = data.boards.map((board, place) => [board, place])
    .filter(([board]) => board.task === state.task && data.judges[board.judge].low === now.low && data.judges[board.judge].high === now.high)
    .map(([, place]) => place);
  let total = 0, rows = 0;
  data.rows.forEach((_, row) => {
    const values = boards.map((board) => score(sample, row, board)).filter((value) => value !== null);
    if (values.length > 1) { total += Math.max(...values) - Math.min(...values); rows++; }
  });
  return rows ? total / rows : 0;
}

function wordsOfTask(sample) {
  const key = `${state.task}/${sample}`;
  if (!searchable.has(key)) {
    const [id, ...places] = samplesNow()[sample];
    const all = [id, ...places.slice(0, 3).map((place) => (place < 0 ? "" : texts[place]))];
    data.rows.forEach((_, row) => all.push(textOf(sample, row)));
    searchable.set(key, folded(all.join("\n")));
  }
  return searchable.get(key);
}

function find() {
  const measure = measures[state.filter];
  const query = folded(state.query).trim();
  const found = [];
  samplesNow().forEach((sample, place) => {
    if (state.tag && !sample[4].includes(state.tag)) return;
    const value = measure(place);
    if (value === null || (query && !wordsOfTask(place).includes(query))) return;
    found.push([value, place]);
  });
  found.sort((x, y) => y[0] - x[0] || x[1] - y[1]);
  return found;
}

function told(sample, value) {
  if (["unscored", "cut", "rules"].includes(state.filter)) return [say("hits", { count: value })];
  if (state.filter === "disagree") return [`⌀ ${value.toFixed(2)}`];
  if (state.filter === "hard") return [`⌀ ${(-value).toFixed(judgeNow().digits)}`];
  const d = difference(sample);
  const tone = d > 0 ? "tone-better" : d < 0 ? "tone-worse" : "";
  return [
    el("span", {}, "A ", scoreBadge(score(sample, state.a))),
    state.a === state.b ? "" : el("span", {}, "B ", scoreBadge(score(sample, state.b))),
    state.a === state.b ? "" : el("span", { className: tone }, signed(d)),
  ];
}

function taskHash(sample) {
  return `#task/${encodeURIComponent(data.tasks[state.task].name)}/${encodeURIComponent(samplesNow()[sample][0])}`;
}

function showTasks() {
  const found = find();
  listed = found.map(([, sample]) => sample);
  byId("task-count").textContent = found.length ? say("found", { count: found.length, total: samplesNow().length }) : say("nothing");
  const items = found.slice(0, shownCount).map(([value, sample]) => {
    const [id, input] = samplesNow()[sample];
    const link = el("a", { href: taskHash(sample) },
      el("span", { className: "preview", dir: "auto" }, el("span", { className: "mark", ariaHidden: "true" }), el("b", {}, `${id} `), texts[input].slice(0, 120).replace(/\s+/g, " ")),
      el("span", { className: "figures" }, ...told(sample, value)));
    if (sample === state.sample) link.setAttribute("aria-current", "true");
    return el("li", {}, link);
  });
  byId("task-list").replaceChildren(...items);
  const left = found.length - shownCount;
  byId("task-more").hidden = left <= 0;
  byId("task-more").textContent = say("more", { count: Math.min(left, PAGE) });
  if (state.sample < 0 && listed.length) state.sample = listed[0];
  markCurrent();
  markNoted();
  showTask(false);
}

// A sign beside the tasks that have a flag or a note.
function markNoted() {
  [...byId("task-list").querySelectorAll(".mark")].forEach((mark, place) => {
    const kept = noteOf(listed[place]);
    mark.textContent = kept.flag ? "⚑ " : kept.note ? "✎ " : "";
  });
}

function markCurrent() {
  const current = state.sample < 0 ? "" : taskHash(state.sample);
  for (const link of byId("task-list").querySelectorAll("a")) {
    if (link.getAttribute("href") === current) {
      link.setAttribute("aria-current", "true");
      const list = link.closest(".list"), item = link.parentElement;
      if (item.offsetTop < list.scrollTop || item.offsetTop + item.offsetHeight > list.scrollTop + list.clientHeight) {
        list.scrollTop = item.offsetTop - list.clientHeight / 3;
      }
    } else link.removeAttribute("aria-current");
  }
}

function chooseModels(a, b) {
  state.a = a;
  state.b = b;
  byId("model-a").value = String(a);
  byId("model-b").value = String(b);
  startFilters();
  showTasks();
}

function startFilters() {
  const usable = FILTERS.filter((name) => name === "all" || samplesNow().some((_, sample) => measures[name](sample) !== null));
  if (!usable.includes(state.filter)) state.filter = "all";
  byId("task-filter").replaceChildren(...usable.map((name) => el("option", { value: name }, say(`filter_${name}`))));
  byId("task-filter").value = state.filter;
  const tags = [...new Set(samplesNow().flatMap((sample) => sample[4]))];
  if (!tags.includes(state.tag)) state.tag = "";
  byId("tag-label").hidden = !tags.length;
  byId("task-tag").replaceChildren(el("option", { value: "" }, say("any_tag")), ...tags.map((tag) => el("option", { value: tag }, tag)));
  byId("task-tag").value = state.tag;
}

// #task/SET/ID opens a task, #task/SET/ID/A/B with two rows beside each other, #tag/SET/TAG lists the tasks of a tag.
function readAddress() {
  const [kind, ...parts] = location.hash.split("/");
  if (!["#task", "#tag"].includes(kind) || parts.length < 2) return;
  let names;
  try { names = parts.map(decodeURIComponent); } catch { return; }
  const task = data.tasks.findIndex((found) => found.name === names[0]);
  if (task < 0) return;
  if (task !== state.task) choose("task", task);
  if (kind === "#tag") { listTag(names[1]); return; }
  const sample = data.tasks[task].samples.findIndex(([found]) => found === names[1]);
  if (sample < 0) return;
  const rows = names.slice(2).map((name) => data.rows.indexOf(name));
  state.sample = sample;
  if (rows.length && !rows.includes(-1) && (rows[0] !== state.a || rows[1] !== state.b)) chooseModels(rows[0], rows[1] ?? rows[0]);
  markCurrent();
  showTask(true);
}

function listTag(tag) {
  state.tag = tag;
  state.sample = -1;
  startFilters();
  showTasks();
  byId("task-list").querySelector("a")?.focus();
}

function startTasks() {
  for (const [id, key] of [["model-a", "a"], ["model-b", "b"]]) {
    byId(id).append(...data.boards[0].order.map((row) => el("option", { value: String(row) }, data.rows[row])));
    byId(id).addEventListener("change", () => chooseModels(Number(byId("model-a").value), Number(byId("model-b").value)));
  }
  byId("task-tools").addEventListener("submit", (event) => event.preventDefault());
  const again = () => { shownCount = PAGE; showTasks(); };
  byId("task-filter").addEventListener("change", (event) => { state.filter = event.target.value; state.sample = -1; again(); });
  byId("task-tag").addEventListener("change", (event) => { state.tag = event.target.value; again(); });
  let wait = 0;
  byId("task-search").addEventListener("input", (event) => {
    clearTimeout(wait);
    wait = setTimeout(() => { state.query = event.target.value; again(); }, 150);
  });
  byId("task-more").addEventListener("click", () => { shownCount += PAGE; showTasks(); });
  byId("task-list").addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...byId("task-list").querySelectorAll("a")];
    const next = links[links.indexOf(document.activeElement) + by];
    if (by && next) { event.preventDefault(); next.focus(); }
  });
  byId("view").addEventListener("change", (event) => setView(event.target.value));
  addEventListener("hashchange", readAddress);
}
