// The tabs: one panel is shown at a time, by the address, so that Back works and a link leads to what it names.
const panels = [...document.querySelectorAll("main > .panel")];
const tabs = [...byId("tabs").querySelectorAll("a")];
const tabOf = (panel) => tabs.find((tab) => tab.getAttribute("href") === `#${panel.id}`);
let panelNow = null;

function showPanel(panel) {
  panelNow = panel;
  for (const other of panels) other.classList.toggle("away", other !== panel);
  for (const tab of tabs) {
    const isIt = tab === tabOf(panel);
    tab.setAttribute("aria-selected", String(isIt));
    tab.tabIndex = isIt ? 0 : -1;
  }
  const tab = tabOf(panel), list = byId("tabs");
  if (tab && list.scrollWidth > list.clientWidth) list.scrollLeft = tab.offsetLeft - list.offsetLeft - list.clientWidth / 3;
}

// Which panel an address leads to, null if it leads nowhere on this page.
function panelOfAddress(hash) {
  if (/^#(task|tag)\//.test(hash)) return byId("answers");
  let id = hash.slice(1);
  try { id = decodeURIComponent(id); } catch { return null; }
  return byId(id)?.closest(".panel") ?? null;
}

function followAddress() {
  const panel = panelOfAddress(location.hash);
  if (panel) showPanel(panel);
  if (panel && panel.id !== location.hash.slice(1) && byId(location.hash.slice(1))) byId(location.hash.slice(1)).scrollIntoView();
  else if (panel && panel.id === location.hash.slice(1)) scrollTo(0, 0);
}

function startTabs() {
  byId("tabs").setAttribute("role", "tablist");
  for (const panel of panels) {
    const tab = tabOf(panel);
    tab.id = `tab-${panel.id}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
  }
  byId("tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = tabs[(tabs.indexOf(document.activeElement) + by + tabs.length) % tabs.length];
    if (event.key === " ") { event.preventDefault(); document.activeElement.click(); }
    if (!by) return;
    event.preventDefault();
    location.hash = next.getAttribute("href");
    next.focus();
  });
  showPanel(panels[0]);
  addEventListener("hashchange", followAddress);
}
