// One task: what was asked, two answers side by side, and every other answer, each with its scores and reasons.
const LONG = 700;
const ENDS = ["", "cut", "failed", ""];
let marking = true;
let answerQuery = "";

function answersOf(sample, row) {
  return data.answers[state.task][sample][row];
}

function textOf(sample, row) {
  return answersOf(sample, row).map(([place]) => (place < 0 ? "" : texts[place])).join("\n");
}

function verdictsOf(sample, row, judge) {
  return data.verdicts[state.task][judge][sample][row];
}

// A judge's name without what it shares with all others ("human:"), where room is short.
function judgeName(place) {
  const names = data.judges.map((judge) => judge.name);
  const prefix = /^[^:]*:/.exec(names[0])?.[0] ?? "";
  const shared = names.length > 1 && prefix && names.every((name) => name.startsWith(prefix) && name !== prefix);
  return shared ? names[place].slice(prefix.length) : names[place];
}

function badge(sample, row) {
  const value = score(sample, row);
  return el("span", { className: "score" }, value === null ? say("unscored") : shown(value));
}

function chips(sample, row) {
  const list = el("ul", { className: "chips" });
  data.judges.forEach((_, place) => {
    const given = verdictsOf(sample, row, place);
    if (!given.length) return;
    const values = given.map(([value]) => (value === null ? "–" : Number(value).toString())).join(", ");
    list.append(el("li", { className: place === state.judge ? "now" : "" }, `${judgeName(place)} ${values}`));
  });
  for (const [, end, tokens] of answersOf(sample, row)) {
    if (ENDS[end]) list.append(el("li", { className: "flag" }, say(ENDS[end])));
    if (tokens !== null) list.append(el("li", {}, say("tokens", { count: tokens.toLocaleString(data.language) })));
  }
  return list;
}

function reasons(sample, row) {
  const own = el("div"), others = el("details", {}, el("summary", {}, say("other_reasons")));
  data.judges.forEach((_, place) => {
    for (const [, reason] of verdictsOf(sample, row, place)) {
      if (reason < 0) continue;
      const text = el("p", { className: "text reason" });
      if (place !== state.judge) text.append(el("b", {}, `${judgeName(place)}: `));
      text.append(texts[reason]);
      (place === state.judge ? own : others).append(text);
    }
  });
  return [own.childNodes.length ? own : null, others.childNodes.length > 1 ? others : null];
}

// An answer's text, clipped where it is long, with marked runs where two are compared.
function answerText(text, marked, tag) {
  if (text === "") return [el("p", { className: "none" }, say("empty_answer"))];
  const body = el("div", { className: "text" });
  body.dir = "auto";
  if (marked) body.append(...marked.map(([part, only]) => (only ? el(tag, {}, part) : part)));
  else body.append(text);
  if (text.length <= LONG && text.split("\n").length <= 14) return [body];
  body.classList.add("clipped");
  const button = el("button", { type: "button" }, `${say("show_all")} (${say("characters", { count: text.length.toLocaleString(data.language) })})`);
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    const open = body.classList.toggle("clipped");
    button.setAttribute("aria-expanded", String(!open));
    button.textContent = say(open ? "show_all" : "show_less");
  });
  return [body, button];
}

function answerCard(sample, row, { letter = "", marked = null, tag = "" } = {}) {
  const title = el("span", {}, letter ? el("span", { className: "letter" }, letter) : null, data.rows[row]);
  const card = el("section", { className: "answer", ariaLabel: data.rows[row] }, el("h4", {}, title, badge(sample, row)));
  card.append(chips(sample, row));
  const repeats = answersOf(sample, row);
  if (!repeats.length) card.append(el("p", { className: "none" }, say(data.missing ? "left_out" : "no_answer")));
  repeats.forEach(([place], index) => {
    if (repeats.length > 1) card.append(el("p", { className: "role" }, say("repeat", { number: index + 1 })));
    if (place < 0) card.append(el("p", { className: "none" }, say("no_answer")));
    else card.append(...answerText(texts[place], repeats.length === 1 ? marked : null, tag));
  });
  card.append(...reasons(sample, row).filter(Boolean));
  return card;
}

function asked(sample) {
  const [, input, reference, criteria] = samplesNow()[sample];
  const box = el("div", { className: "asked" });
  for (const [key, place] of [["input", input], ["reference", reference], ["criteria", criteria]]) {
    if (place < 0) continue;
    const text = el("div", { className: "text" }, texts[place]);
    text.dir = "auto";
    box.append(el("h4", {}, say(key)), text);
  }
  return box;
}

function pair(sample) {
  const textA = textOf(sample, state.a), textB = textOf(sample, state.b);
  const found = marking && state.a !== state.b && textA && textB ? diff(textA, textB) : null;
  const toggle = el("input", { type: "checkbox", checked: marking });
  toggle.addEventListener("change", () => { marking = toggle.checked; showTask(false); });
  const note = textA === textB ? say("identical") : marking && found === null && textA && textB ? say("too_different") : "";
  const legend = found && textA !== textB
    ? [el("del", {}, say("only_a")), el("ins", {}, say("only_b"))] : [];
  const tools = el("div", { className: "tools" }, el("label", {}, toggle, say("differences")), ...legend, el("span", { className: "hint" }, note));
  const cards = el("div", { className: "pair" },
    answerCard(sample, state.a, { letter: "A", marked: found && found[0], tag: "del" }),
    answerCard(sample, state.b, { letter: "B", marked: found && found[1], tag: "ins" }));
  return [el("h3", {}, say("side_by_side")), tools, cards];
}

function others(sample) {
  const rows = data.rows.map((_, row) => row).filter((row) => row !== state.a && row !== state.b);
  if (!rows.length) return [];
  rows.sort((x, y) => (score(sample, y) ?? -Infinity) - (score(sample, x) ?? -Infinity));
  const grid = el("div", { className: "others" });
  const fill = () => {
    const wanted = answerQuery.normalize("NFKC").toLowerCase();
    const named = rows.filter((row) => data.rows[row].normalize("NFKC").toLowerCase().includes(wanted));
    grid.replaceChildren(...named.map((row) => answerCard(sample, row)));
  };
  const input = el("input", { type: "search", value: answerQuery, autocomplete: "off" });
  input.addEventListener("input", () => { answerQuery = input.value; fill(); });
  fill();
  const tools = rows.length > 6 ? el("div", { className: "tools" }, el("label", {}, say("filter_answers"), input)) : null;
  return [el("h3", {}, say("all_answers")), tools, grid].filter(Boolean);
}

function showTask(move) {
  const article = byId("task"), sample = state.sample;
  if (sample < 0) { article.replaceChildren(); return; }
  const [id, , , , tags] = samplesNow()[sample];
  const place = listed.indexOf(sample);
  const step = (by, key) => {
    const button = el("button", { type: "button" }, say(key));
    const target = listed[place + by];
    button.disabled = place < 0 || target === undefined;
    button.addEventListener("click", () => { location.hash = taskHash(target); });
    return button;
  };
  const title = el("h3", {}, say("task_title", { id }), " ", ...tags.map((tag) => el("span", { className: "tag" }, tag)));
  const heading = el("div", { className: "heading" }, title, el("div", { className: "tools" }, step(-1, "previous"), step(1, "next")));
  article.replaceChildren(heading, asked(sample), ...pair(sample), ...others(sample));
  if (move) {
    article.scrollIntoView({ block: "start" });
    article.focus({ preventScroll: true });
  }
}
