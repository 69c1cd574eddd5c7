// WebAuthn ceremonies: options come from the form's own address, the answer goes back in a hidden field of a real form.
// Exactly one request may be pending: another one fails while a passkey waits in the autofill list.
const RENEW = 4 * 60_000;
let pending;

function bytes(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

function text(buffer) {
  const chars = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(chars).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const descriptors = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

function creation(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  return {
    ...json,
    challenge: bytes(json.challenge),
    user: { ...json.user, id: bytes(json.user.id) },
    excludeCredentials: descriptors(json.excludeCredentials),
  };
}

function request(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  return { ...json, challenge: bytes(json.challenge), allowCredentials: descriptors(json.allowCredentials) };
}

function answer(credential) {
  // Password managers that stand in for the browser sometimes leave toJSON out.
  if (typeof credential.toJSON === "function") return credential.toJSON();
  const { response } = credential;
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const parts = Object.fromEntries(names.filter((name) => response[name]).map((name) => [name, text(response[name])]));
  if (response.getTransports) parts.transports = response.getTransports();
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: parts,
  };
}

async function options(form) {
  const body = new URLSearchParams({ csrf: form.elements.csrf.value });
  const reply = await fetch(form.dataset.options, { method: "POST", body });
  if (!reply.ok) throw new Error("options");
  return reply.json();
}

async function stop() {
  if (!pending) return;
  pending.controller.abort();
  // The next request may only begin once this one is really over.
  await pending.done.catch(() => undefined);
  pending = undefined;
}

async function ask(form, mediation) {
  await stop();
  const controller = new AbortController();
  const { signal } = controller;
  const done = (async () => {
    const json = await options(form);
    signal.throwIfAborted();
    if (form.dataset.webauthn === "create") return navigator.credentials.create({ publicKey: creation(json), signal });
    return navigator.credentials.get({ publicKey: request(json), signal, ...(mediation && { mediation }) });
  })();
  pending = { controller, done };
  const credential = await done;
  pending = undefined;
  form.elements.answer.value = JSON.stringify(answer(credential));
  const remember = document.querySelector("input[type=checkbox][name=remember]");
  if (form.elements.remember && remember?.checked) form.elements.remember.value = "on";
  form.submit();
}

function explain(form, error) {
  const { cancelled, exists, unsupported, verification, failed } = form.dataset;
  const texts = {
    AbortError: "",
    NotAllowedError: cancelled,
    InvalidStateError: exists ?? cancelled,
    NotSupportedError: unsupported,
    SecurityError: unsupported,
    ConstraintError: verification ?? unsupported,
  };
  return texts[error.name] ?? failed;
}

/** Offers passkeys in the list under the user name field, quietly. */
async function arm(form) {
  const isThere = await PublicKeyCredential.isConditionalMediationAvailable?.().catch(() => false);
  if (isThere) await ask(form, "conditional").catch(() => undefined);
}

function keepArmed(form) {
  arm(form);
  // The challenge lives five minutes: renewed while nobody types.
  setInterval(() => {
    const typed = document.getElementById("username")?.value;
    if (!document.hidden && !typed && pending) arm(form);
  }, RENEW);
  addEventListener("pageshow", (event) => {
    if (event.persisted) arm(form);
  });
  // The password goes its own way: a waiting passkey must not answer after it.
  document.querySelector("form:not([data-webauthn])")?.addEventListener("submit", () => pending?.controller.abort());
}

for (const form of document.querySelectorAll("form[data-webauthn]")) {
  const button = form.querySelector("[data-ceremony]");
  const said = form.querySelector("[data-said]");
  if (!window.PublicKeyCredential || !window.isSecureContext) {
    if (!("conditional" in form.dataset)) said.textContent = form.dataset.unsupported;
    continue;
  }
  button.hidden = false;
  const around = form.querySelector("[data-with-script]");
  if (around) around.hidden = false;
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    said.textContent = form.dataset.waiting;
    try {
      await ask(form);
    } catch (error) {
      said.textContent = explain(form, error);
      button.removeAttribute("aria-disabled");
      pending = undefined;
      if ("conditional" in form.dataset) arm(form);
    }
  });
  if ("conditional" in form.dataset) keepArmed(form);
}

// The browser's own list of passkeys is kept in step with what the account has (WebAuthn Level 3, signal methods).
const signal = document.querySelector("[data-passkeys]");
if (signal) {
  const { rp, user, passkeys, name, display } = signal.dataset;
  const about = { rpId: rp, userId: user };
  const accepted = { ...about, allAcceptedCredentialIds: passkeys.split(" ").filter(Boolean) };
  window.PublicKeyCredential?.signalAllAcceptedCredentials?.(accepted).catch(() => undefined);
  window.PublicKeyCredential?.signalCurrentUserDetails?.({ ...about, name, displayName: display }).catch(
    () => undefined,
  );
}
