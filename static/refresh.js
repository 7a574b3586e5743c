// Keeps the rows that are on the screen up to date, in place. New ones are announced, not pushed in above the reader.
const table = document.querySelector("[data-refresh]");
const news = document.querySelector("[data-news]");
const EVERY = 10000;

async function refresh() {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok && !answer.redirected) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // Offline for a moment: ask again.
    }
  }
  setTimeout(refresh, EVERY);
}

function take(fresh) {
  let added = 0;
  for (const row of fresh.querySelectorAll("[data-refresh] tbody tr")) {
    const shown = document.getElementById(row.id);
    if (shown) replaceCells(shown, row);
    else if (!location.search.includes("after=")) added += 1;
  }
  announce(added);
}

function replaceCells(shown, row) {
  for (const [index, cell] of [...row.cells].entries()) {
    if (index > 0 && shown.cells[index].innerHTML !== cell.innerHTML) shown.cells[index].innerHTML = cell.innerHTML;
  }
}

function announce(added) {
  const text = added ? `${added} new` : "";
  if (news.dataset.text === text) return;
  news.dataset.text = text;
  news.textContent = text && `${text}: `;
  if (!text) return;
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "show";
  news.append(link);
}

if (table) setTimeout(refresh, EVERY);
