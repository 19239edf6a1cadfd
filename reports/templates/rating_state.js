"use strict";
// What has been rated, and where it is kept: no element of the page is known here.
const data = JSON.parse(document.getElementById("data").textContent);
const items = data.items.map(([id, task, answer, reference, criteria]) => ({ id, task, answer, reference, criteria }));
const KEPT = `harness-rating:${data.page}`;
const MOST_STEPS = 500;

// ratings: item id -> {score, skip, comment}; steps: what each action replaced, for undo; changes: since the last file.
// turn: how often it was kept.
// On a served page, pending: items that the server does not have yet; numbers: which rating of an item it has.
let state = { at: 0, ratings: {}, steps: [], changes: 0, turn: 0, pending: {}, numbers: {} };
const touched = new Set(); // items that were rated since the page was opened

function say(key, values = {}) {
  const text = (String(values.count) === "1" && data.words[`${key}_one`]) || data.words[key];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isScore = (value) => typeof value === "number" && isOnScale(value);
const known = new Set(items.map((item) => item.id));
const reasons = new Map(data.skips);

function isOnScale(value) {
  const [low, high, step] = data.scale;
  const steps = step ? (value - low) / step : 0;
  return value >= low && value <= high && Math.abs(steps - Math.round(steps)) < 1e-9;
}

// What another copy of this page, or an older visit, has written: only what this page itself could have written counts.
function cleanRating(given) {
  if (!isObject(given)) return null;
  const clean = {};
  if (isScore(given.score)) clean.score = given.score;
  else if (reasons.has(given.skip)) clean.skip = given.skip;
  if (typeof given.comment === "string" && given.comment) clean.comment = given.comment.slice(0, 2000);
  return Object.keys(clean).length ? clean : null;
}

function cleanRatings(pairs) {
  const clean = {};
  for (const [id, given] of pairs) {
    const rating = known.has(id) ? cleanRating(given) : null;
    if (rating) clean[id] = rating;
  }
  return clean;
}

// Returns whether an earlier visit left something behind.
function recover() {
  let text = null;
  try { text = localStorage.getItem(KEPT); } catch { return false; }
  const kept = parsed(text);
  if (kept) adopt(kept);
  return Object.keys(state.ratings).length > 0;
}

function parsed(text) {
  try {
    const kept = JSON.parse(text);
    return isObject(kept) && isObject(kept.ratings) ? kept : null;
  } catch { return null; }
}

function adopt(kept) {
  state.turn = Number.isInteger(kept.turn) && kept.turn > 0 ? kept.turn : 0;
  state.ratings = cleanRatings(Object.entries(kept.ratings));
  state.at = Number.isInteger(kept.at) && kept.at >= 0 && kept.at < items.length ? kept.at : 0;
  state.changes = Number.isInteger(kept.changes) && kept.changes > 0 ? kept.changes : 0;
  state.steps = (Array.isArray(kept.steps) ? kept.steps : [])
    .filter((step) => isObject(step) && known.has(step.id))
    .map((step) => ({ id: step.id, before: cleanRating(step.before) }));
  if (data.served) recoverSending(kept);
}

function recoverSending(kept) {
  for (const id of isObject(kept.pending) ? Object.keys(kept.pending) : []) if (known.has(id)) state.pending[id] = true;
  for (const [id, number] of isObject(kept.numbers) ? Object.entries(kept.numbers) : []) if (known.has(id) && Number.isInteger(number)) state.numbers[id] = number;
}

// Returns whether the browser keeps it.
function keep() {
  state.turn += 1;
  const text = JSON.stringify(state);
  vaultWrite(text);
  try {
    localStorage.setItem(KEPT, text);
    return true;
  } catch {
    return false;
  }
}

const ratingOf = (item) => state.ratings[item.id] || {};
const isDone = (item) => ratingOf(item).score !== undefined || ratingOf(item).skip !== undefined;
const doneCount = () => items.filter(isDone).length;
const skippedCount = () => items.filter((item) => ratingOf(item).skip !== undefined).length;

function change(id, after, { step = true } = {}) {
  if (step) {
    state.steps.push({ id, before: state.ratings[id] || null });
    state.steps = state.steps.slice(-MOST_STEPS);
  }
  const clean = cleanRating(after);
  if (clean) state.ratings[id] = clean;
  else delete state.ratings[id];
  touched.add(id);
  state.changes += 1;
  if (data.served) { state.pending[id] = true; sendIn(PAUSE); }
}

// Takes the last score or skip back; the comment as it is now stays. Returns the item's place, or -1.
function undo() {
  const step = state.steps.pop();
  if (!step) return -1;
  const { comment } = state.ratings[step.id] || {};
  change(step.id, { ...(step.before || {}), comment }, { step: false });
  return items.findIndex((item) => item.id === step.id);
}

function nextOpen(from) {
  const places = [...items.keys()];
  return [...places.slice(from + 1), ...places.slice(0, from + 1)].find((place) => !isDone(items[place])) ?? -1;
}

function fileText() {
  const ratings = items.filter((item) => state.ratings[item.id]).map((item) => ({ item: item.id, ...ratingOf(item) }));
  const { tag, rater, page, scale } = data;
  return `${JSON.stringify({ format: "harness ratings", schema: 1, tag, rater, page, scale, ratings }, null, 1)}\n`;
}

const fileName = () => `ratings-${data.tag}-rater-${data.rater}.json`;

// Takes a saved file in: what it says of an item replaces what is here. Returns how many, or the key of what is wrong.
function takeIn(text) {
  let file;
  try { file = JSON.parse(text); } catch { return "wrong_file"; }
  if (!isObject(file) || file.format !== "harness ratings" || !Array.isArray(file.ratings)) return "wrong_file";
  if (file.page !== data.page) return "other_page";
  const found = cleanRatings(file.ratings.filter(isObject).map((rating) => [rating.item, rating]));
  for (const [id, rating] of Object.entries(found)) change(id, rating);
  return Object.keys(found).length;
}
