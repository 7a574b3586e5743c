// Asks for the attempt's status at a calm pace and shows the page anew when it has changed, or says that it takes longer.
const place = document.querySelector("[data-poll]");
let wait = 1000;

function isOver({ status, destination }) {
  return place.dataset.until === "destination" ? destination !== "unset" : status !== "pending";
}

async function ask() {
  try {
    const answer = await fetch(place.dataset.poll, { cache: "no-store" });
    if (answer.ok && isOver(await answer.json())) return location.reload();
  } catch {
    // Offline for a moment: ask again.
  }
  wait = Math.min(wait * 1.5, 15000);
  setTimeout(ask, wait);
}

setTimeout(ask, wait);
if (place.dataset.patience) setTimeout(() => location.reload(), place.dataset.patience * 1000);
