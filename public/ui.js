// Small helps on top of pages that work without it: show the password, Caps Lock, one submit per form, fresh fields after Back.
const status = document.getElementById("password-status");
const password = document.getElementById("password");
const show = document.querySelector("button.show");
// Milliseconds after which a wait is spoken of, and after which a stopped request may be sent again.
const SLOW = 5000;
const STUCK = 20000;

function setVisible(visible) {
  const { selectionStart, selectionEnd } = password;
  password.type = visible ? "text" : "password";
  password.setSelectionRange(selectionStart, selectionEnd);
  show.textContent = visible ? show.dataset.hide : show.dataset.show;
  show.setAttribute("aria-label", visible ? show.dataset.hideLabel : show.dataset.showLabel);
  status.textContent = visible ? show.dataset.shown : "";
}

if (password && show && status) {
  show.hidden = false;
  setVisible(false);
  show.addEventListener("click", () => setVisible(password.type === "password"));
  const caps = (event) => {
    if (event.getModifierState && password.type === "password")
      status.textContent = event.getModifierState("CapsLock") ? status.dataset.caps : "";
  };
  password.addEventListener("keydown", caps);
  password.addEventListener("keyup", caps);
  password.addEventListener("blur", () => {
    if (password.type === "password") status.textContent = "";
  });
}

function say(button, text) {
  if (!button?.classList.contains("primary") || !text) return;
  button.dataset.text ??= button.textContent;
  button.textContent = text;
}

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-disabled]")) {
    button.removeAttribute("aria-disabled");
    if (button.dataset.text) button.textContent = button.dataset.text;
  }
  const waiting = form.querySelector("[data-slow-status]");
  if (waiting) waiting.textContent = "";
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    if (password && show && form.contains(password)) setVisible(false);
    const button = event.submitter;
    // `disabled` would drop the button's own value from the form.
    button?.setAttribute("aria-disabled", "true");
    say(button, form.dataset.busy);
    const { slow } = form.dataset;
    if (slow) {
      setTimeout(() => {
        if (!form.dataset.sent) return;
        say(button, slow);
        form.querySelector("[data-slow-status]").textContent = slow;
      }, SLOW);
    }
    setTimeout(() => release(form), STUCK);
  });
}

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-once]")) release(form);
  if (password) password.value = "";
});

// A form that only carries something on to an application: sent once, and never again when the page comes back from history.
const carried = document.querySelector("form[data-autopost]");
if (carried && performance.getEntriesByType("navigation")[0]?.type !== "back_forward") carried.requestSubmit();

// An application that does not take its sign-out message is given up: this page is still here while its answer is awaited.
const leaving = document.querySelector("[data-skip]");
if (leaving) setTimeout(() => location.replace(leaving.dataset.skip), SLOW);

// Copy and print: buttons that only scripts can serve.
for (const button of document.querySelectorAll("[data-copy], [data-print]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if ("print" in button.dataset) {
      window.print();
      return;
    }
    const list = document.getElementById(button.dataset.copy);
    const lines = Array.from(list.querySelectorAll("code"), (code) => code.textContent);
    try {
      await navigator.clipboard.writeText(`${lines.join("\n")}\n`);
      const before = button.textContent;
      button.textContent = button.dataset.copied;
      setTimeout(() => {
        button.textContent = before;
      }, 3000);
    } catch {
      // Not allowed to write: selected, so that the person can.
      getSelection()?.selectAllChildren(list);
    }
  });
}

// Times in the person's own zone; without scripts they stand there in UTC.
const zoned = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[data-local]"))
  time.textContent = zoned.format(new Date(time.dateTime));
