// What every board's table can do: sort, filter, group, keep rows on top, choose columns, and show its first rows alone.
const FIRST = 15;
const views = new Map();  // table -> {rows in board order, sort, filter, group, pinned, chosen, whole}

function viewOf(table) {
  if (!views.has(table)) {
    const rows = [...table.tBodies[0].rows];
    views.set(table, { rows, order: rows, filter: "", group: "none", pinned: new Set(), chosen: new Set(), whole: false });
  }
  return views.get(table);
}

function headers(table) {
  return [...table.tHead.rows[0].cells];
}

function sorted(rows, index, isNumber, direction) {
  const keyed = rows.map((row) => [row.cells[index].dataset.sort, row]);
  keyed.sort(([x], [y]) => {
    if (x === "" || y === "") return (x === "") - (y === "");
    const order = isNumber ? Number(x) - Number(y) : x.localeCompare(y, data.language);
    return direction === "ascending" ? order : -order;
  });
  return keyed.map(([, row]) => row);
}

function sortBy(table, header) {
  const isNumber = header.classList.contains("number"), now = header.getAttribute("aria-sort");
  const first = isNumber && header.dataset.key !== "rank" ? "descending" : "ascending";
  const next = now ? (now === "descending" ? "ascending" : "descending") : first;
  for (const other of headers(table)) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", next);
  const view = viewOf(table);
  view.order = sorted(view.rows, header.cellIndex, isNumber, next);
  arrange(table);
}

function makeSortable(table) {
  for (const header of headers(table)) {
    const title = header.querySelector(".title");
    if (!title) continue;
    title.replaceWith(button(title.textContent, () => sortBy(table, header), { className: "title" }));
  }
}

const nameOf = (row) => row.querySelector("th").textContent.trim();

const groups = {
  none: () => "",
  verdict: (row) => say(`group_${row.dataset.group || "other"}`),
  model: (row) => data.keys[row.dataset.row][0],
  prompt: (row) => data.keys[row.dataset.row][1] ?? "–",
  maker: (row) => nameOf(row).split(/[\/-]/)[0],
};

// Puts rows in their order: pinned ones first, then group by group; what is past the first rows is folded away.
function arrange(table) {
  const view = viewOf(table);
  const matching = view.order.filter((row) => folded(nameOf(row)).includes(view.filter));
  const top = matching.filter((row) => view.pinned.has(row));
  const rest = matching.filter((row) => !view.pinned.has(row));
  const named = new Map();
  for (const row of rest) {
    const name = groups[view.group](row);
    named.set(name, [...(named.get(name) ?? []), row]);
  }
  const lines = [...top], width = headers(table).filter((header) => !header.hidden).length;
  for (const [name, rows] of named) {
    if (view.group !== "none") {
      const cell = el("th", { colSpan: width, scope: "rowgroup" }, `${name} (${rows.length})`);
      lines.push(el("tr", { className: "group" }, cell));
    }
    lines.push(...rows);
  }
  let shownRows = 0;
  for (const line of lines) {
    if (!line.classList.contains("group")) shownRows++;
    line.classList.toggle("folded", !view.whole && shownRows > FIRST && !view.pinned.has(line));
    line.classList.toggle("pinned", view.pinned.has(line));
  }
  table.tBodies[0].replaceChildren(...lines);
  showMore(table, matching.length);
}

function showMore(table, count) {
  const place = table.closest(".board")?.querySelector(".more-rows");
  if (!place) return;
  const view = viewOf(table);
  const text = view.whole ? say("show_fewer", { count: FIRST }) : say("show_rows", { count });
  const toggle = button(text, () => {
    view.whole = !view.whole;
    arrange(table);
    place.querySelector("button")?.focus();
  }, { ariaExpanded: String(view.whole) });
  place.replaceChildren(...(count > FIRST ? [toggle] : []));
}

function showColumn(table, index, isShown) {
  for (const row of [table.tHead.rows[0], ...viewOf(table).rows]) row.cells[index].hidden = !isShown;
}

function columnChooser(table) {
  const isPhone = matchMedia("(max-width: 40rem)").matches;  // a card has less room than a row
  const list = el("div", { className: "choices" });
  for (const header of headers(table)) {
    const index = header.cellIndex, isName = !header.dataset.key || ["model", "rank"].includes(header.dataset.key);
    const isLater = header.hasAttribute("data-later") || (isPhone && header.dataset.key?.startsWith("judge:"));
    const box = el("input", { type: "checkbox", checked: !isLater });
    showColumn(table, index, box.checked);
    if (isName) continue;
    box.addEventListener("change", () => { showColumn(table, index, box.checked); arrange(table); });
    const note = header.querySelector("small")?.textContent;
    const name = header.querySelector(".title").textContent;
    list.append(el("label", {}, box, note ? `${name} (${note})` : name));
  }
  return el("details", { className: "chooser" }, el("summary", {}, say("choose_columns")), list);
}

function groupChooser(table) {
  const rows = viewOf(table).rows, select = el("select");
  for (const name of Object.keys(groups)) {
    const kinds = new Set(rows.map(groups[name]));
    const isUseful = kinds.size > 1 && (kinds.size < rows.length || name === "verdict");
    if (name === "none" || isUseful) select.append(option(name, say(`group_${name}`)));
  }
  select.addEventListener("change", () => { viewOf(table).group = select.value; arrange(table); });
  return select.options.length > 1 ? el("label", {}, say("group"), select) : null;
}

// On a phone the titles of columns are out of sight, and a list of them sorts instead.
function sortChooser(table) {
  const select = el("select", {}, option("", say("as_ranked")));
  for (const header of headers(table).filter((one) => one.dataset.key && one.dataset.key !== "rank")) {
    select.append(option(header.cellIndex, header.querySelector(".title").textContent));
  }
  select.addEventListener("change", () => {
    const view = viewOf(table), header = headers(table)[Number(select.value)];
    if (select.value === "") { view.order = view.rows; arrange(table); } else {
      header.removeAttribute("aria-sort");
      sortBy(table, header);
    }
  });
  return el("label", { className: "phone" }, say("sort_by"), select);
}

function choosing(table) {
  const view = viewOf(table), state_ = el("span", { className: "hint", role: "status" });
  const act = {
    compare: button(say("compare"), () => compareChosen(view)),
    pin: button(say("pin"), () => {
      const isPinned = [...view.chosen].every((row) => view.pinned.has(row));
      for (const row of view.chosen) view.pinned[isPinned ? "delete" : "add"](row);
      arrange(table);
      show();
    }),
  };
  const box = el("span", { className: "chosen" }, state_, act.compare, act.pin);
  const show = () => {
    box.hidden = !view.chosen.size;
    state_.textContent = say("selected", { count: view.chosen.size });
    act.compare.disabled = view.chosen.size !== 2;
    const isPinned = view.chosen.size && [...view.chosen].every((row) => view.pinned.has(row));
    act.pin.textContent = say(isPinned ? "unpin" : "pin");
  };
  const head = el("th", { className: "pick" }, el("span", { className: "hidden" }, say("selected", { count: "" })));
  table.tHead.rows[0].prepend(head);
  for (const row of view.rows) {
    const tick = el("input", { type: "checkbox", ariaLabel: say("select_row", { row: nameOf(row) }) });
    tick.addEventListener("change", () => { view.chosen[tick.checked ? "add" : "delete"](row); show(); });
    row.prepend(el("td", { className: "pick" }, tick));
  }
  show();
  return box;
}

function compareChosen(view) {
  const [a, b] = view.rows.filter((row) => view.chosen.has(row)).map((row) => Number(row.dataset.row)).reverse();
  chooseModels(a, b);
  location.hash = "#answers";
}

// Cards on a phone: every cell says the title of its column; roles say what the display of cards would hide.
function labelCells(table) {
  const titles = headers(table).map((header) => header.querySelector(".title")?.textContent ?? "");
  table.setAttribute("role", "table");
  table.tHead.setAttribute("role", "rowgroup");
  table.tBodies[0].setAttribute("role", "rowgroup");
  for (const row of table.rows) {
    row.setAttribute("role", "row");
    [...row.cells].forEach((cell, index) => {
      cell.setAttribute("role", cell.closest("thead") ? "columnheader" : cell.tagName === "TH" ? "rowheader" : "cell");
      if (titles[index]) cell.dataset.label = titles[index];
    });
  }
}

function startTable(table) {
  if (views.has(table)) return;
  const view = viewOf(table), tools = table.closest(".board")?.querySelector(".tools");
  makeSortable(table);
  const isBoard = table.classList.contains("of-board");
  if (isBoard) {
    const chosen = view.rows.length > 1 ? choosing(table) : null;
    const parts = [groupChooser(table), sortChooser(table), columnChooser(table), chosen];
    if (view.rows.length > 10) {
      const input = el("input", { type: "search", className: "filter-rows", autocomplete: "off", spellcheck: false });
      input.addEventListener("input", () => { view.filter = folded(input.value); arrange(table); });
      parts.unshift(el("label", {}, say("filter_models"), input));
    }
    tools.replaceChildren(...parts.filter(Boolean));
  }
  labelCells(table);
  if (isBoard) arrange(table);
}
