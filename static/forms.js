// Leaves fields that nobody filled in out of the address, and says that something is going on. Works without, too.
const PATIENCE = 300;

for (const form of document.querySelectorAll("form[method=get]")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  });
}

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    const button = event.submitter ?? form.querySelector("button");
    setTimeout(() => begin(button), PATIENCE);
  });
}

function begin(button) {
  button.setAttribute("aria-busy", "true");
  button.dataset.label = button.innerHTML;
  button.textContent = button.dataset.busy ?? "Working…";
}

// A page that the browser kept is shown as it was before.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const field of document.querySelectorAll("form[method=get] :disabled")) field.disabled = false;
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy]")) {
    button.removeAttribute("aria-busy");
    button.innerHTML = button.dataset.label;
  }
});
