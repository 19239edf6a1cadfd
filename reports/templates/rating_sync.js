// On a served page: what is rated goes to the server as it is rated. Without the server the page goes on as before, and
// sends what is waiting when it is back.
const MOST_SENT = 100, PAUSE = 300, FIRST_WAIT = 1000, LONGEST_WAIT = 15000, LONGEST_CALL = 15000;
const place = `${location.pathname.replace(/\/+$/, "")}/ratings`;
const line = { timer: 0, wait: FIRST_WAIT, isBusy: false, isOff: false, isGone: false };

const saidOf = (id) => { const { score, skip, comment } = state.ratings[id] || {}; return JSON.stringify([score ?? null, skip ?? null, comment || null]); };
const waiting = () => Object.keys(state.pending);

function sendIn(delay) {
  clearTimeout(line.timer);
  if (!line.isGone) line.timer = setTimeout(send, delay);
}

function call(options = {}) {
  return fetch(place, { cache: "no-store", credentials: "omit", redirect: "error", ...options });
}

function message() {
  const ids = waiting().slice(0, MOST_SENT);
  const ratings = ids.map((id) => ({ item: id, ...state.ratings[id], after: state.numbers[id] || 0 }));
  return { ids, body: JSON.stringify({ page: data.page, ratings }) };
}

const post = (body, options = {}) => call({ method: "POST", headers: { "Content-Type": "application/json" }, body, ...options });

async function send() {
  if (line.isBusy || line.isGone || !waiting().length) return;
  line.isBusy = true;
  const { ids, body } = message(), sent = new Map(ids.map((id) => [id, saidOf(id)]));
  try {
    const reply = await post(body, { signal: AbortSignal.timeout(LONGEST_CALL) });
    if (reply.ok) took(await reply.json(), sent);
    else refused(reply.status);
  } catch { missed(); }
  line.isBusy = false;
  showCounts();
  if (waiting().length && !line.isGone) sendIn(line.isOff ? line.wait : 0);
}

function took(reply, sent) {
  line.isOff = false;
  line.wait = FIRST_WAIT;
  for (const { item, number } of reply.saved) {
    state.numbers[item] = number;
    if (saidOf(item) === sent.get(item)) delete state.pending[item];
  }
  takeOthers(reply.others);
  kept();
}

// What was said on another device, without this one having known of it, stays.
function takeOthers(others) {
  const changed = others.filter((other) => known.has(other.item) && takeOne(other));
  if (!changed.length) return;
  show();
  tell(say("said_elsewhere", { count: changed.length }));
}

function takeOne(other) {
  const before = saidOf(other.item), clean = cleanRating(other);
  if (clean) state.ratings[other.item] = clean;
  else delete state.ratings[other.item];
  state.numbers[other.item] = other.number;
  delete state.pending[other.item];
  return before !== saidOf(other.item);
}

function missed() {
  line.isOff = true;
  line.wait = Math.min(2 * line.wait, LONGEST_WAIT);
}

function refused(status) {
  if (status >= 500 || status === 429) { missed(); return; }
  line.isGone = true;
  warn(say(status === 409 ? "link_changed" : "link_gone"));
}

function forgotten({ item, number }) {
  state.pending[item] = true;
  state.numbers[item] = number;
}

// What the server has and this browser has not is taken; what only this browser has is sent.
async function fetchKept() {
  try {
    const reply = await call({ signal: AbortSignal.timeout(LONGEST_CALL) });
    if (!reply.ok) { refused(reply.status); return; }
    const there = await reply.json(), hadNone = !doneCount();
    if (there.page !== data.page) { refused(409); return; }
    const onServer = new Set(there.ratings.map((one) => one.item));
    for (const one of there.ratings) if (state.numbers[one.item] > one.number) forgotten(one); // its machine lost power
    const fresh = there.ratings.filter((one) => known.has(one.item) && !state.pending[one.item]);
    const changed = fresh.filter(takeOne);
    for (const id of Object.keys(state.ratings)) if (!onServer.has(id)) { state.pending[id] = true; delete state.numbers[id]; }
    if (changed.length) {
      kept();
      if (hadNone) { byId("how").open = false; goTo(Math.max(0, nextOpen(items.length - 1))); }
      else show();
      tell(doneCount() === items.length ? say("served_all_done") : say("said_back", { done: doneCount(), total: items.length }));
    }
    line.isOff = false;
  } catch { missed(); }
}

function savedLine() {
  const count = waiting().length;
  if (line.isGone || (line.isOff && count)) return say("served_waiting", { count });
  return count ? say("served_sending") : Object.keys(state.ratings).length ? say("served_saved") : "";
}

async function startSending() {
  await fetchKept();
  showCounts();
  sendIn(0);
}

window.addEventListener("online", () => sendIn(0));
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") sendIn(0); });
window.addEventListener("pagehide", () => { if (waiting().length && !line.isGone) post(message().body, { keepalive: true }).catch(() => {}); });
