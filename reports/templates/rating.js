// The page itself. Foreign text only ever becomes the text of an element, never markup.
const byId = (id) => document.getElementById(id);
const points = [...document.querySelectorAll("button.point")];
const here = () => items[state.at];

function tell(text) { byId("status").textContent = text; }

function warn(text) {
  byId("warning").textContent = text;
  byId("warning").hidden = !text;
}

function show() {
  const item = here(), rating = ratingOf(item), total = items.length;
  byId("place").textContent = say("place", { place: state.at + 1, total });
  byId("task").textContent = item.task;
  showAnswer(item);
  for (const part of ["reference", "criteria"]) {
    byId(part).textContent = item[part] || "";
    byId(`${part}-part`).hidden = !(item[part] || "").trim();
  }
  byId("comment").value = rating.comment || "";
  byId("jump").value = state.at + 1;
  for (const button of points) button.setAttribute("aria-pressed", String(Number(button.dataset.point) === rating.score));
  if (byId("typed")) byId("typed").value = rating.score ?? "";
  byId("previous").disabled = state.at === 0;
  byId("next").disabled = state.at === total - 1;
  showReasons(false);
  showCounts();
}

function showCounts() {
  const total = items.length, done = doneCount(), skipped = skippedCount(), rating = ratingOf(here());
  byId("done").textContent = [say("done", { done, total }), skipped && say("skipped", { skipped })].filter(Boolean).join(" · ");
  byId("progress").value = done;
  byId("now").textContent = rating.score !== undefined ? say("now_scored", { score: nameOf(rating.score) })
    : rating.skip !== undefined ? say("now_skipped", { reason: reasons.get(rating.skip) }) : say("now_open");
  byId("now").className = isDone(here()) ? "is-done" : "";
  byId("undo").disabled = !state.steps.length;
  byId("unsaved").textContent = data.served ? savedLine() : state.changes ? say("unsaved", { count: state.changes }) : "";
  byId("save").hidden = Boolean(data.served) && !line.isGone && !line.isOff;
  byId("save").classList.toggle("wanted", data.served ? line.isGone : done === total && state.changes > 0);
}

function kept() {
  if (!keep()) warn(say("not_kept"));
}

function goTo(place) {
  if (!(place >= 0 && place < items.length)) return;
  const isSameTask = here().task === items[place].task && state.at !== place;
  state.at = place;
  kept();
  show();
  // Where the answer stands below its task, the task that was read a moment ago need not be scrolled past again.
  const isBelow = byId("answer").offsetTop > byId("task").offsetTop + 10;
  const top = byId(isSameTask && isBelow ? "answered" : "item").offsetTop - 8;
  window.scrollTo(0, byId("how").open || isSameTask && isBelow ? top : 0);
}

function settle(rating, told) {
  const place = state.at, { comment } = ratingOf(here());
  change(here().id, { ...rating, comment });
  byId("how").open = false;
  const next = nextOpen(place);
  goTo(next < 0 ? place : next);
  tell(next < 0 ? say(data.served ? "served_all_done" : "all_done") : told);
}

function give(score) {
  if (!isScore(score)) {
    const [low, high, step] = data.scale;
    tell(say("off_scale", { low, high, step }));
    return;
  }
  settle({ score }, say("said_scored", { place: state.at + 1, score: nameOf(score) }));
}

function skip(code) {
  settle({ skip: code }, say("said_skipped", { place: state.at + 1 }));
}

function showReasons(open) {
  const hadFocus = byId("reasons").contains(document.activeElement);
  byId("reasons").hidden = !open;
  byId("scores").hidden = open;
  document.querySelector("footer").classList.toggle("is-asking", open);
  byId("skip").setAttribute("aria-expanded", String(open));
  if (open) byId("reasons").querySelector("button").focus();
  else if (hadFocus) byId("skip").focus();
}

function undoStep() {
  const place = undo();
  if (place < 0) { tell(say("said_nothing")); return; }
  goTo(place);
  tell(say("said_undone", { place: place + 1 }));
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([fileText()], { type: "application/json" }));
  link.download = fileName();
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  state.changes = 0;
  kept();
  showCounts();
  tell(say("said_saved", { name: fileName() }));
}

async function load(file) {
  if (!file) return;
  const found = takeIn(await file.text());
  byId("load").value = "";
  if (typeof found === "string") { tell(say(found)); return; }
  goTo(Math.max(0, nextOpen(items.length - 1)));
  tell(say("said_loaded", { count: found }));
}

for (const [place, [code, text]] of data.skips.entries()) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.code = code;
  button.textContent = `${place + 1}. ${text}`;
  button.addEventListener("click", () => skip(code));
  byId("reasons").append(button);
}
const cancel = document.createElement("button");
cancel.type = "button";
cancel.textContent = say("cancel");
cancel.addEventListener("click", () => showReasons(false));
byId("reasons").append(cancel);

for (const button of points) button.addEventListener("click", () => give(Number(button.dataset.point)));
if (byId("give")) byId("give").addEventListener("click", () => give(byId("typed").value === "" ? NaN : Number(byId("typed").value)));
byId("previous").addEventListener("click", () => goTo(state.at - 1));
byId("next").addEventListener("click", () => goTo(state.at + 1));
byId("jump").addEventListener("change", () => goTo(Number(byId("jump").value) - 1));
byId("undo").addEventListener("click", undoStep);
byId("skip").addEventListener("click", () => showReasons(byId("reasons").hidden));
byId("save").addEventListener("click", save);
byId("load").addEventListener("change", () => load(byId("load").files[0]));
byId("comment").addEventListener("input", () => {
  change(here().id, { ...ratingOf(here()), comment: byId("comment").value }, { step: false });
  kept();
  showCounts();
});

// Digits by the place of the key, so that Shift and an input method for Japanese change nothing.
function digitOf(event) {
  const found = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  return found ? Number(found[1]) : null;
}

function pressDigit(digit, isShifted) {
  if (!byId("reasons").hidden) {
    if (data.skips[digit - 1]) skip(data.skips[digit - 1][0]);
    return true;
  }
  const score = scoreOf(digit, isShifted);
  if (!data.points.includes(score)) return false;
  give(score);
  return true;
}

const KEYS = {
  ArrowLeft: () => goTo(state.at - 1),
  ArrowRight: () => goTo(state.at + 1),
  KeyU: undoStep,
  KeyS: () => showReasons(byId("reasons").hidden),
  KeyC: () => byId("comment").focus(),
  KeyE: save,
  Escape: () => showReasons(false),
};

document.addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement) {
    if (event.isComposing) return;
    if (event.code === "Escape") event.target.blur();
    else if (event.code === "Enter" && event.target.id === "typed") byId("give").click();
    return;
  }
  if (event.altKey || event.repeat) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.code === "KeyZ" && !event.shiftKey) { event.preventDefault(); undoStep(); }
    return;
  }
  const digit = digitOf(event);
  const isOurs = digit === null ? KEYS[event.code] && (KEYS[event.code](), true) : pressDigit(digit, event.shiftKey);
  if (isOurs) event.preventDefault();
});

function welcome() {
  byId("how").open = false;
  tell(doneCount() === items.length ? say(data.served ? "served_all_done" : "all_done") : say("said_back", { done: doneCount(), total: items.length }));
}

const isBack = recover();
const recovered = recoverFromVault(); // asked for before anything is written
if (!keep()) warn(say("not_kept"));
byId("how").open = !isBack;
show();
if (isBack) welcome();
recovered.then((isNewer) => {
  if (isNewer) {
    kept();
    show();
    if (doneCount()) welcome();
  }
  if (data.served) startSending();
});
