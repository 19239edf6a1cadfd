// What a page shows that compares two answers at a time: 1 the first is better, 2 a tie, 3 the second is.
function showAnswer(item) {
  for (const [place, id] of [[0, "answer"], [1, "answer-second"]]) {
    const text = item.answer[place];
    byId(id).textContent = text.trim() ? text : say("empty");
    byId(id).classList.toggle("empty", !text.trim());
  }
}

const nameOf = (score) => say({ 1: "first_better", 0.5: "tie", 0: "second_better" }[score]);

const scoreOf = (digit, isShifted) => (isShifted ? undefined : { 1: 1, 2: 0.5, 3: 0 }[digit]);
