// One task: what was asked, two answers side by side, and every other answer, each with its scores and reasons.
const LONG = 700;
const ENDS = ["", "cut", "failed", ""];
const FIRST_ANSWERS = 6;
let answerQuery = "";
let allAnswers = false;

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
  return scoreBadge(score(sample, row));
}

function chips(sample, row) {
  const list = el("ul", { className: "chips" });
  data.judges.forEach((_, place) => {
    const given = verdictsOf(sample, row, place);
    if (!given.length) return;
    const values = given.map(([value]) => shown(value, data.judges[place])).join(", ");
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
      const before = place === state.judge ? [] : [el("b", {}, `${judgeName(place)}: `)];
      (place === state.judge ? own : others).append(...longText(texts[reason], { className: "text reason", before }));
    }
  });
  return [own.childNodes.length ? own : null, others.childNodes.length > 1 ? others : null];
}

// A text as runs of [part, whether it stands in this text alone], at most `most` characters of them.
function parts(marked, tag, most) {
  const made = [];
  let left = most;
  for (const [part, only] of marked) {
    if (left <= 0) break;
    const shownPart = part.slice(0, left);
    left -= shownPart.length;
    made.push(only ? el(tag, {}, shownPart) : shownPart);
  }
  return made;
}

// A text, of which a long one shows its beginning alone until the rest is asked for: no more of it is laid out.
function longText(text, { marked = [[text, false]], tag = "", className = "text", before = [] } = {}) {
  const body = el("div", { className });
  body.dir = "auto";
  const long = text.length > LONG || text.split("\n", 16).length > 14;
  const fill = (most) => body.replaceChildren(...before.map((node) => node.cloneNode(true)), ...parts(marked, tag, most));
  fill(long ? 2 * LONG : Infinity);
  if (!long) return [body];
  body.classList.add("clipped");
  const closed = `${say("show_all")} (${say("characters", { count: text.length.toLocaleString(data.language) })})`;
  const button = el("button", { type: "button" }, closed);
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    const clipped = body.classList.toggle("clipped");
    fill(clipped ? 2 * LONG : Infinity);
    button.setAttribute("aria-expanded", String(!clipped));
    button.textContent = clipped ? closed : say("show_less");
  });
  return [body, button];
}

// An answer as it is to be read: as Markdown, as it stands, or with what the other one does not have marked.
function answerText(text, marked, tag) {
  if (marked) return longText(text, { marked, tag });
  if (state.view !== "prose") return longText(text);
  return longProse(text);
}

// Of a long answer the beginning alone is laid out until the rest is asked for.
function longProse(text) {
  const body = el("div", { className: "text prose", dir: "auto" });
  const isLong = text.length > LONG || text.split("\n", 16).length > 14;
  const fill = (most) => body.replaceChildren(...proseNodes(text.slice(0, most)));
  fill(isLong ? 2 * LONG : text.length);
  if (!isLong) return [body];
  body.classList.add("clipped");
  const closed = `${say("show_all")} (${say("characters", { count: text.length.toLocaleString(data.language) })})`;
  const more = button(closed, () => {
    const isClipped = body.classList.toggle("clipped");
    fill(isClipped ? 2 * LONG : text.length);
    more.setAttribute("aria-expanded", String(!isClipped));
    more.textContent = isClipped ? closed : say("show_less");
  }, { ariaExpanded: "false" });
  return [body, more];
}

// What a judge was shown and what it replied, for whoever doubts its score.
function behind(sample, row) {
  const parts = [];
  data.judges.forEach((judge, place) => {
    const given = verdictsOf(sample, row, place), asked_ = askedOf(sample, row, place);
    if (!given.some(([, , raw]) => raw !== undefined) && asked_ === null) return;
    parts.push(el("h5", {}, judgeName(place)));
    for (const [, , raw] of given) {
      parts.push(el("p", { className: "role" }, say(raw === undefined ? "no_raw" : "raw_reply")));
      if (raw !== undefined) parts.push(...longText(texts[raw], { className: "text verbatim" }));
    }
    parts.push(el("p", { className: "role" }, say(asked_ === null ? "no_judge_prompt" : "judge_prompt")));
    if (asked_ !== null) parts.push(...longText(asked_, { className: "text verbatim" }), el("p", { className: "note" }, say("judge_prompt_own")));
  });
  if (!parts.length) return null;
  const box = el("details", {}, el("summary", {}, say("behind")));
  box.addEventListener("toggle", () => { if (box.open && box.childNodes.length === 1) box.append(...parts); }, { once: true });
  return box;
}

// The judge's prompt for one answer, null where it is not on record.
function askedOf(sample, row, judge) {
  const place = data.asked[judge]?.[state.task]?.[sample];
  const answer = answersOf(sample, row)[0]?.[0] ?? -1;
  if (place === undefined || place < 0 || answer < 0) return null;
  return texts[place].split(data.slot).join(texts[answer]);
}

function copyTools(sample, row) {
  const copy = button(say("copy"), async () => {
    if (!(await copyText(textOf(sample, row)))) return;
    copy.textContent = "✓";
    setTimeout(() => { copy.textContent = say("copy"); }, 1500);
  }, { className: "small", ariaLabel: `${say("copy")}: ${data.rows[row]}` });
  return copy;
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
    else if (texts[place] === "") card.append(el("p", { className: "none" }, say("empty_answer")));
    else card.append(...answerText(texts[place], repeats.length === 1 ? marked : null, tag));
  });
  if (textOf(sample, row)) card.append(copyTools(sample, row));
  card.append(...reasons(sample, row).filter(Boolean), ...[behind(sample, row)].filter(Boolean));
  return card;
}

function asked(sample) {
  const [, input, reference, criteria] = samplesNow()[sample];
  const box = el("div", { className: "asked" });
  for (const [key, place] of [["input", input], ["reference", reference], ["criteria", criteria]]) {
    if (place < 0) continue;
    box.append(el("h4", {}, say(key)), ...longText(texts[place]));
  }
  return box;
}

function pair(sample) {
  const textA = textOf(sample, state.a), textB = textOf(sample, state.b), marking = state.view === "diff";
  const found = marking && state.a !== state.b && textA && textB ? diff(textA, textB) : null;
  const note = state.a !== state.b && textA === textB ? say("identical") : marking && found === null && textA && textB ? say("too_different") : "";
  const legend = found && textA !== textB ? [el("del", {}, say("only_a")), el("ins", {}, say("only_b"))] : [];
  const tools = legend.length || note ? el("div", { className: "tools" }, ...legend, el("span", { className: "hint" }, note)) : null;
  const cards = el("div", { className: "pair" },
    answerCard(sample, state.a, { letter: "A", marked: found && found[0], tag: "del" }),
    ...(state.a === state.b ? [] : [answerCard(sample, state.b, { letter: "B", marked: found && found[1], tag: "ins" })]));
  return [el("h3", { className: "hidden" }, say("side_by_side")), tools, cards].filter(Boolean);
}

function others(sample) {
  const rows = data.rows.map((_, row) => row).filter((row) => row !== state.a && row !== state.b);
  if (!rows.length) return [];
  rows.sort((x, y) => (score(sample, y) ?? -Infinity) - (score(sample, x) ?? -Infinity));
  const grid = el("div", { className: "others" });
  const fill = () => {
    const named = rows.filter((row) => folded(data.rows[row]).includes(folded(answerQuery)));
    const first = allAnswers ? named : named.slice(0, FIRST_ANSWERS);
    grid.replaceChildren(...first.map((row) => answerCard(sample, row)));
    whole.hidden = first.length === named.length;
    whole.textContent = say("whole", { count: named.length });
  };
  const whole = button("", () => { allAnswers = true; fill(); });
  const input = el("input", { type: "search", value: answerQuery, autocomplete: "off" });
  input.addEventListener("input", () => { answerQuery = input.value; fill(); });
  fill();
  const tools = rows.length > 6 ? el("div", { className: "tools" }, el("label", {}, say("filter_answers"), input)) : null;
  return [el("h3", {}, say("all_answers")), tools, grid, whole].filter(Boolean);
}

// Opens the task so many places further on in the list as it is filtered.
function stepTask(by) {
  const target = listed[listed.indexOf(state.sample) + by];
  if (state.sample < 0 || target === undefined) return;
  state.sample = target;  // the address follows later, and keys may be faster
  location.hash = taskHash(target);
}

function setView(view) {
  state.view = view;
  byId("view").value = view;
  tell(say(`view_${view}`));
  showTask(false);
}

function showTask(move) {
  const article = byId("task"), sample = state.sample;
  if (sample < 0) { article.replaceChildren(); return; }
  const [id, , , , tags] = samplesNow()[sample];
  const place = listed.indexOf(sample);
  const step = (by, key) => button(say(key), () => stepTask(by), { disabled: place < 0 || listed[place + by] === undefined });
  const title = el("h3", {}, say("task_title", { id }), " ", ...tags.map((tag) => el("span", { className: "tag" }, tag)));
  const heading = el("div", { className: "heading" }, title, el("div", { className: "tools" }, step(-1, "previous"), step(1, "next")));
  article.replaceChildren(heading, noteTools(sample), asked(sample), ...pair(sample), ...others(sample));
  if (move) {
    article.scrollIntoView({ block: "start" });
    article.focus({ preventScroll: true });
  }
}
