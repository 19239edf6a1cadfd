// The boards: one is shown at a time, and its heat map opens answers.
function showBoard() {
  const now = boardNow();
  for (const section of document.querySelectorAll(".board")) {
    section.hidden = Number(section.dataset.board) !== now;
    if (!section.hidden) section.querySelectorAll("table.sortable").forEach(startTable);
  }
}

// Which sample and row a place in the heat map is: null outside it.
function heatPlace(event) {
  const image = event.currentTarget.querySelector("image");
  const box = image.getBoundingClientRect();
  const columns = Number(image.getAttribute("width")), rows = Number(image.getAttribute("height"));
  const sample = Math.floor(((event.clientX - box.left) / box.width) * columns);
  const place = Math.floor(((event.clientY - box.top) / box.height) * rows);
  if (sample < 0 || place < 0 || sample >= columns || place >= rows) return null;
  return { sample, row: data.boards[boardNow()].order[place] };
}

function showTip(event) {
  const tip = byId("tip"), place = heatPlace(event);
  tip.hidden = place === null;
  if (place === null) return;
  const value = score(place.sample, place.row);
  tip.textContent = say("score_of", {
    row: data.rows[place.row], id: samplesNow()[place.sample][0], score: value === null ? say("unscored") : shown(value),
  });
  tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
}

function startBoards() {
  for (const chart of document.querySelectorAll("figure.heat .scroll > .chart")) {
    chart.addEventListener("pointermove", showTip);
    chart.addEventListener("pointerleave", () => { byId("tip").hidden = true; });
    chart.addEventListener("click", (event) => {
      const place = heatPlace(event);
      if (place === null) return;
      if (place.row !== state.a) chooseModels(state.a, place.row);
      location.hash = taskHash(place.sample);
    });
  }
  for (const [id, what] of [["choose-task", "task"], ["choose-judge", "judge"]]) {
    const select = byId(id);
    if (select) select.addEventListener("change", () => choose(what, Number(select.value)));
  }
}

function choose(what, value) {
  state[what] = value;
  if (boardNow() < 0) state.judge = data.boards.find((board) => board.task === state.task).judge;
  if (what === "task") state.sample = -1;
  for (const name of ["task", "judge"]) if (byId(`choose-${name}`)) byId(`choose-${name}`).value = String(state[name]);
  showBoard();
  showTest();
  startFilters();
  showTasks();
}
