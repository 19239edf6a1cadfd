// What a page shows that rates one answer at a time, and what a digit means there.
function showAnswer(item) {
  byId("answer").textContent = item.answer.trim() ? item.answer : say("empty");
  byId("answer").classList.toggle("empty", !item.answer.trim());
}

const nameOf = (score) => String(Math.round(score * 1e6) / 1e6);

function scoreOf(digit, isShifted) {
  const ten = digit === 0 && !data.points.includes(0) ? 10 : digit;
  return isShifted ? ten + 0.5 : ten;
}
