// The matrix of an A/B test: prompts as columns, tasks as rows; a cell has the score and the beginning of the answer.
const MATRIX_PAGE = matchMedia("(max-width: 40rem)").matches ? 8 : 20;
const BEGINNING = 160;
const matrix = { model: -1, order: "tasks", most: MATRIX_PAGE };

// The test of the chosen judge; where it has none, another judge's on the same tasks, and -1 where there is none.
function testNow() {
  const own = data.ab.findIndex((test) => test.task === state.task && test.judge === state.judge);
  return own < 0 ? data.ab.findIndex((test) => test.task === state.task) : own;
}

function showTest() {
  const now = testNow();
  for (const section of document.querySelectorAll(".test")) {
    section.hidden = Number(section.dataset.test) !== now;
    if (!section.hidden) section.querySelectorAll("table.sortable").forEach(startTable);
  }
  if (byId("matrix")) showMatrix();
}

// The score of a prompt on a task with one model, or averaged over models, all of which must then have one.
function cellScore(test, sample, prompt, model) {
  const board = boardOf(test.task, test.judge);
  const rows = model < 0 ? test.cells.map((row) => row[prompt]) : [test.cells[model][prompt]];
  const values = rows.map((row) => (row < 0 ? null : score(sample, row, board)));
  return values.includes(null) ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

const gap = (x, y) => (x === null || y === null ? null : x - y);

function matrixRows(test) {
  const rows = data.tasks[test.task].samples.map((_, sample) => {
    const values = test.prompts.map((_, prompt) => cellScore(test, sample, prompt, matrix.model));
    const known = values.filter((value) => value !== null), control = values[test.control];
    const gaps = values.map((value) => gap(value, control)).filter((value) => value !== null);
    return {
      sample, values,
      apart: known.length > 1 ? Math.max(...known) - Math.min(...known) : null,
      lost: gaps.length ? -Math.min(...gaps) : null,
      won: gaps.length ? Math.max(...gaps) : null,
    };
  });
  if (matrix.order === "tasks") return rows;
  return rows.sort((x, y) => (y[matrix.order] ?? -Infinity) - (x[matrix.order] ?? -Infinity) || x.sample - y.sample);
}

function cellAddress(test, sample, prompt, model) {
  const cells = test.cells[Math.max(model, 0)];
  const against = prompt === test.control ? test.prompts.findIndex((_, other) => other !== prompt) : test.control;
  const rows = prompt === test.control ? [cells[prompt], cells[against]] : [cells[against], cells[prompt]];
  const parts = [data.tasks[test.task].name, data.tasks[test.task].samples[sample][0], ...rows.map((row) => data.rows[row])];
  return `#task/${parts.map(encodeURIComponent).join("/")}`;
}

function answerOf(test, sample, row) {
  const place = row < 0 ? -1 : data.answers[test.task][sample][row]?.[0]?.[0] ?? -1;
  return place < 0 ? say("no_answer") : texts[place].slice(0, BEGINNING).replace(/\s+/g, " ") || say("empty_answer");
}

function matrixCell(test, row, prompt) {
  const judge = data.judges[test.judge], value = row.values[prompt], base = gap(value, row.values[test.control]);
  const tone = base > 0 ? "tone-better" : base < 0 ? "tone-worse" : "";
  const change = prompt === test.control || !base ? null
    : el("span", { className: tone }, `${base > 0 ? "+" : "−"}${shown(Math.abs(base), judge)}`);
  const link = el("a", { href: cellAddress(test, row.sample, prompt, matrix.model) }, scoreBadge(value, judge), " ", change);
  const models = matrix.model < 0 ? test.models.map((_, model) => model) : [matrix.model];
  const answers = models.map((model) => {
    const text = answerOf(test, row.sample, test.cells[model][prompt]);
    const own = cellScore(test, row.sample, prompt, model);
    const name = models.length > 1 ? el("b", {}, say("of_model", { model: test.models[model], score: own === null ? "–" : shown(own, judge) }), " ") : null;
    return el("span", { className: "beginning", dir: "auto" }, name, text);
  });
  link.append(...answers);
  return el("td", {}, link);
}

function matrixTools(test) {
  const model = el("select", {}, ...(test.models.length > 1 ? [option(-1, say("average"))] : []),
    ...test.models.map((name, place) => option(place, name)));
  model.value = String(matrix.model);
  model.addEventListener("change", () => { matrix.model = Number(model.value); showMatrix(); });
  const prompt = test.prompts[test.control];
  const order = el("select", {}, ...["tasks", "apart", "lost", "won"].map((name) => option(name, say(`order_${name}`, { prompt }))));
  order.value = matrix.order;
  order.addEventListener("change", () => { matrix.order = order.value; matrix.most = MATRIX_PAGE; showMatrix(); });
  return el("div", { className: "tools" }, el("label", {}, say("model"), model), el("label", {}, say("order"), order));
}

function showMatrix() {
  const place = byId("matrix"), test = data.ab[testNow()];
  if (!test) { place.replaceChildren(el("p", { className: "none" }, say("nothing"))); return; }
  if (matrix.model >= test.models.length || (matrix.model < 0 && test.models.length === 1)) matrix.model = 0;
  const rows = matrixRows(test), samples = data.tasks[test.task].samples;
  const head = el("tr", {}, el("th", { scope: "col" }, el("span", { className: "title" }, say("csv_task"))),
    ...test.prompts.map((name) => el("th", { scope: "col" }, el("span", { className: "title" }, name))));
  const lines = rows.slice(0, matrix.most).map((row) => {
    const [id, input] = samples[row.sample];
    const question = el("span", { className: "beginning", dir: "auto" }, texts[input].slice(0, BEGINNING).replace(/\s+/g, " "));
    return el("tr", {}, el("th", { scope: "row" }, el("b", {}, id), " ", question), ...row.values.map((_, prompt) => matrixCell(test, row, prompt)));
  });
  const table = el("table", { className: "matrix cards-on-phone" }, el("caption", { className: "hidden" }, say("matrix")), el("thead", {}, head), el("tbody", {}, ...lines));
  labelCells(table);
  const left = rows.length - matrix.most;
  const more = left > 0 ? button(say("more_tasks", { count: Math.min(left, MATRIX_PAGE) }), () => {
    matrix.most += MATRIX_PAGE;
    showMatrix();
    byId("matrix").querySelectorAll("tbody tr")[matrix.most - MATRIX_PAGE]?.querySelector("a").focus();
  }) : null;
  const region = el("div", { className: "scroll", role: "region", tabIndex: 0, ariaLabel: say("matrix") }, table);
  const hint = el("p", { className: "note" }, say("matrix_hint", { prompt: test.prompts[test.control] }));
  place.replaceChildren(...[hint, matrixTools(test), region, more].filter(Boolean));
}

// Arrows walk from cell to cell.
function startMatrix() {
  byId("matrix")?.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell || event.altKey || event.ctrlKey || event.metaKey) return;
    const row = cell.parentElement, lines = row.parentElement.rows;
    const next = lines[row.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]]?.querySelector("a");
    if (next) { event.preventDefault(); next.focus(); }
  });
}
