"use strict";
// What all parts of the page share: the data, the words, what is chosen, and how an element is made. Foreign text only
// ever becomes a text node or an attribute's value, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const texts = data.texts;
const state = { task: 0, judge: 0, sample: -1, a: 0, b: 0, filter: "all", tag: "", query: "" };

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

const byId = (id) => document.getElementById(id);
const judgeNow = () => data.judges[state.judge];
const samplesNow = () => data.tasks[state.task].samples;

function boardNow() {
  return data.boards.findIndex((board) => board.task === state.task && board.judge === state.judge);
}

// The task's score of one row by the chosen judge: null where there is none.
function score(sample, row, board = boardNow()) {
  return board < 0 ? null : data.scores[board][sample][row];
}

function shown(value, digits = judgeNow().digits) {
  if (value === null || value === undefined) return "–";
  return Number.isInteger(value) && judgeNow().high - judgeNow().low > 1 ? String(value) : value.toFixed(digits);
}

function signed(value) {
  if (value === null) return "–";
  return value > 0 ? `+${shown(value)}` : shown(value).replace("-", "−");
}

function difference(sample) {
  const a = score(sample, state.a), b = score(sample, state.b);
  return a === null || b === null ? null : b - a;
}
