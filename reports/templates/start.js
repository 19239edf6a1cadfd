// Everything is there: begin.
function start() {
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  for (const part of document.querySelectorAll(".no-script")) part.hidden = true;
  document.body.classList.add("scripted");
  startTabs();
  startTerms();
  startKeys();
  if (!data.boards.length) { followAddress(); return; }
  const first = data.boards.find((board) => board.primary) ?? data.boards[0];
  state.task = first.task;
  state.judge = first.judge;
  state.a = first.baseline;
  state.b = first.order.find((row) => row !== first.baseline) ?? first.baseline;
  startBoards();
  startMatrix();
  startNotes();
  startTasks();
  byId("model-a").value = String(state.a);
  byId("model-b").value = String(state.b);
  choose("task", first.task);
  followAddress();
  readAddress();
}

start();
