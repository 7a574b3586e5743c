// Sprocket's own page follows the element: it gets the token anew, and shows what has changed.
const seen = new WeakMap();

document.addEventListener("slack-connect:change", ({ target, detail }) => {
  if (seen.has(target) && seen.get(target) !== detail.state) location.reload();
  seen.set(target, detail.state);
});

document.addEventListener("slack-connect:expired", async ({ target }) => {
  const answer = await fetch("/slack/status-token");
  if (answer.ok) target.statusToken = (await answer.json()).token;
});
