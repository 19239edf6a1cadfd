// Flags and notes on tasks: kept by the browser under the key of the run, and saved as a file.
const KEPT = `harness-report:${data.key}`;
const MOST_NOTE = 4000;
let notes = {};
let canKeep = true;

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// Only what this page could have written counts.
function cleanNotes(given) {
  const clean = {};
  for (const [place, kept] of Object.entries(isObject(given) ? given : {})) {
    if (!isObject(kept)) continue;
    const note = typeof kept.note === "string" ? kept.note.slice(0, MOST_NOTE) : "";
    if (kept.flag === true || note) clean[place] = { flag: kept.flag === true, note };
  }
  return clean;
}

function readNotes() {
  try { notes = cleanNotes(JSON.parse(localStorage.getItem(KEPT))); } catch { canKeep = false; }
}

function keepNotes() {
  try { localStorage.setItem(KEPT, JSON.stringify(notes)); canKeep = true; } catch { canKeep = false; }
  showNotesState();
}

const placeOf = (sample) => JSON.stringify([data.tasks[state.task].name, samplesNow()[sample][0]]);

function noteOf(sample) {
  return notes[placeOf(sample)] ?? { flag: false, note: "" };
}

function setNote(sample, change) {
  const next = { ...noteOf(sample), ...change };
  if (next.flag || next.note) notes[placeOf(sample)] = next;
  else delete notes[placeOf(sample)];
  keepNotes();
}

function showNotesState() {
  const count = Object.keys(notes).length;
  byId("notes-save").hidden = !count;
  byId("notes-state").textContent = [count ? say("notes_kept", { count }) : "", count && !canKeep ? say("notes_lost") : ""].filter(Boolean).join(" ");
}

function saveNotes() {
  const lines = Object.entries(notes).map(([place, kept]) => [...JSON.parse(place), kept.flag ? 1 : 0, kept.note]);
  saveFile(fileName("notes", "csv"), csv([["task_set", "task_id", "flagged", "note"], ...lines]), "text/csv;charset=utf-8");
}

// The flag and the note of one task, to be changed.
function noteTools(sample) {
  const kept = noteOf(sample);
  const flag = button(say(kept.flag ? "flagged" : "flag"), () => {
    setNote(sample, { flag: !noteOf(sample).flag });
    const isFlagged = noteOf(sample).flag;
    flag.textContent = say(isFlagged ? "flagged" : "flag");
    flag.setAttribute("aria-pressed", String(isFlagged));
    markNoted();
  }, { id: "flag", ariaPressed: String(kept.flag) });
  const note = el("textarea", { id: "note", rows: 1, value: kept.note, maxLength: MOST_NOTE, placeholder: say("note_hint"), ariaLabel: say("note") });
  note.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) byId("task").focus({ preventScroll: true });
  });
  note.addEventListener("input", () => { setNote(sample, { note: note.value }); markNoted(); });
  return el("div", { className: "noting" }, flag, note);
}

function startNotes() {
  readNotes();
  showNotesState();
  byId("notes-save").addEventListener("click", saveNotes);
  byId("list-save").addEventListener("click", saveList);
}
