// Asks for the attempt's status at a calm pace and shows the page anew when it has changed.
const place = document.querySelector("[data-poll]");
let wait = 1000;

async function ask() {
  try {
    const answer = await fetch(place.dataset.poll, { cache: "no-store" });
    const { status, destination } = answer.ok ? await answer.json() : { status: "pending" };
    if (status !== "pending" && destination !== "unset") return location.reload();
  } catch {
    // Offline for a moment: ask again.
  }
  wait = Math.min(wait * 1.5, 15000);
  setTimeout(ask, wait);
}

setTimeout(ask, wait);
