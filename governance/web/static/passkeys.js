// Forms that a passkey completes: ask the service what to sign, let the authenticator sign it, send.
// A form says by data-passkey what it needs (get or create), by data-options where to ask.
const can = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);
const here = location.hostname;
const isOf = (site) => here === site || here.endsWith(`.${site}`);

async function optionsFor(form, fields) {
  const response = await fetch(form.dataset.options, { method: "POST", body: fields });
  if (response.redirected) {
    location.assign(response.url); // the session is over, or somebody has to prove who they are
    return null;
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

async function ask(kind, options) {
  const { parseCreationOptionsFromJSON: parseNew, parseRequestOptionsFromJSON: parse } =
    PublicKeyCredential;
  return kind === "create"
    ? navigator.credentials.create({ publicKey: parseNew.call(PublicKeyCredential, options) })
    : navigator.credentials.get({ publicKey: parse.call(PublicKeyCredential, options) });
}

function say(form, error) {
  const box = form.querySelector("[data-passkey-fault]");
  const isOurs = !(error instanceof DOMException) && !(error instanceof TypeError);
  const known = error.name === "InvalidStateError" && "This device has a passkey of yours already.";
  box.firstElementChild.textContent =
    (isOurs && error.message) || known || "The passkey was not used. Try again when you are ready.";
  box.hidden = false;
  box.focus();
}

async function complete(form) {
  // What is signed is what is sent, though a clip that plays on changes the form meanwhile.
  const fields = new URLSearchParams(new FormData(form));
  const options = await optionsFor(form, fields);
  if (!options) return;
  const credential = await ask(form.dataset.passkey, options);
  for (const field of form.querySelectorAll("input[type=hidden]")) {
    field.value = fields.get(field.name) ?? "";
  }
  form.elements.credential.value = JSON.stringify(credential);
  form.submit();
}

function ready(form) {
  form.hidden = false;
  for (const part of form.querySelectorAll("[data-with-passkey]")) part.hidden = false;
  for (const part of form.querySelectorAll("[data-label]")) part.textContent = part.dataset.label;
  for (const other of document.querySelectorAll("[data-second]")) other.classList.remove("primary");
  for (const part of document.querySelectorAll("[data-once-ready]")) part.hidden = false;
  let busy = false;
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.dataset.plain !== undefined) return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    form.querySelector("[data-passkey-fault]").hidden = true;
    await complete(form).catch((error) => say(form, error));
    busy = false;
  });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (can && isOf(form.dataset.site)) ready(form);
}
for (const note of document.querySelectorAll("[data-elsewhere]")) {
  note.hidden = isOf(note.dataset.elsewhere);
}
