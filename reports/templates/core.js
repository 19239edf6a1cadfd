"use strict";
// What all parts of the page share: the data, the words, what is chosen, and how an element is made. Foreign text only
// ever becomes a text node or an attribute's value, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const texts = data.texts;
const state = { task: 0, judge: 0, sample: -1, a: 0, b: 0, filter: "all", tag: "", query: "", view: "prose" };
const SHADES = 9;

function say(key, values = {}) {
  const text = String(values.total ?? values.count) === "1" && data.words[`${key}_one`] || data.words[key];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function button(text, act, properties = {}) {
  const made = el("button", { type: "button", ...properties }, text);
  made.addEventListener("click", act);
  return made;
}

function option(value, text, isChosen = false) {
  return el("option", { value: String(value), selected: isChosen }, text);
}

const byId = (id) => document.getElementById(id);
const judgeNow = () => data.judges[state.judge];
const samplesNow = () => data.tasks[state.task].samples;
const folded = (text) => text.normalize("NFKC").toLowerCase();

// Said aloud by a screen reader, and not shown.
function tell(text) {
  byId("said").textContent = text;
}

function boardOf(task, judge) {
  return data.boards.findIndex((board) => board.task === task && board.judge === judge);
}

const boardNow = () => boardOf(state.task, state.judge);

// The task's score of one row by the chosen judge: null where there is none.
function score(sample, row, board = boardNow()) {
  return board < 0 ? null : data.scores[board][sample][row];
}

// One precision for one scale, everywhere: whole points as such where the scale counts in points.
function shown(value, judge = judgeNow()) {
  if (value === null || value === undefined) return "–";
  return Number.isInteger(value) && judge.high - judge.low > 1 ? String(value) : value.toFixed(judge.digits);
}

function signed(value) {
  if (value === null) return "–";
  return value > 0 ? `+${shown(value)}` : shown(value).replace("-", "−");
}

// One colour for one score: the shades are those of the charts.
function shade(value, judge = judgeNow()) {
  if (value === null || value === undefined) return "none";
  const place = Math.round(((value - judge.low) / (judge.high - judge.low)) * (SHADES - 1));
  return `s${Math.min(Math.max(place, 0), SHADES - 1)}`;
}

function scoreBadge(value, judge = judgeNow()) {
  return el("span", { className: `score ${shade(value, judge)}` }, value === null ? say("unscored") : shown(value, judge));
}

function difference(sample) {
  const a = score(sample, state.a), b = score(sample, state.b);
  return a === null || b === null ? null : b - a;
}
