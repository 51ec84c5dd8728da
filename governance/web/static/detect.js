// Sends a file to the detector, tells how far it is, and puts the answer into words.
// Whatever comes from a file is written as text, never as markup.
const element = (id) => document.getElementById(id);
const form = element("detect");
const input = form.elements.file;

const HEADLINES = {
  released: "Released by this service",
  recalled: "Released by this service, then recalled",
  unreleased: "Marked by this service, not released",
  candidate: "Resembles a file of this service",
  claimed: "Names this service, without proof",
  other_service: "Marks of another service",
  nothing: "Unknown to this service",
};
const KINDS = {
  digest: "Exactly our bytes",
  c2pa: "Signed provenance (C2PA)",
  iptc: "Digital source type (IPTC)",
  aigc: "AIGC metadata",
  watermark: "Invisible watermark",
  fingerprint: "Resemblance (fingerprint)",
  label: "Label that people see or hear",
  vendor: "Marks of vendors",
};
const STATES = { present: "Found", absent: "Not found", not_checked: "Not checked" };
const BASES = {
  digest: "the bytes themselves",
  metadata: "metadata",
  watermark: "the watermark",
  fingerprint: "a fingerprint",
};
const FACTS = {
  signer: "signed by",
  generator: "made with",
  source_type: "source type",
  record_id: "names record",
};

let sending = null;
let address = "";

function tell(text) {
  if (element("told").textContent !== text) element("told").textContent = text;
}

function show(share, doing) {
  const percent = Math.round(share * 100);
  element("bar").value = share;
  element("share").textContent = `${percent} %`;
  tell(`${doing}${percent >= 25 ? `, ${Math.floor(percent / 25) * 25} %` : ""}`);
}

function working(is) {
  element("progress").hidden = !is;
  element("stop").hidden = !is;
  form.querySelector("button.primary").disabled = is;
  form.setAttribute("aria-busy", String(is));
}

function fail(message) {
  tell("");
  element("fault").firstElementChild.textContent = message;
  element("fault").hidden = false;
  element("fault").focus();
}

function send(file) {
  element("fault").hidden = true;
  element("result").hidden = true;
  working(true);
  const request = (sending = new XMLHttpRequest());
  let read = 0;
  let answer = null;
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/x-ndjson");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  const take = () => {
    const lines = request.responseText.slice(read).split("\n");
    read = request.responseText.length - lines.pop().length;
    for (const line of lines) {
      const value = JSON.parse(line);
      if (value.object === "detection.progress") show(value.done, "Looking at the file");
      else answer = value;
    }
  };
  request.upload.onprogress = (event) => show(event.loaded / event.total, "Sending");
  request.onprogress = () => request.status === 200 && take();
  request.onload = () => {
    working(false);
    if (request.status === 200) take();
    else answer = readable(request.responseText);
    if (answer?.statement) present(answer, file.name);
    else fail(answer?.error?.message ?? "The service did not answer. Try again in a minute.");
  };
  request.onerror = () => {
    working(false);
    fail("The connection was lost before the answer came. Try again.");
  };
  request.onabort = () => {
    working(false);
    tell("Stopped. The file is forgotten.");
  };
  show(0, "Sending");
  request.send(file);
}

function readable(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function present(answer, name) {
  const said = answer.statement;
  tell("");
  element("headline").textContent = HEADLINES[said.verdict.code];
  element("sentence").textContent = said.verdict.sentence;
  const basis = new Intl.ListFormat("en").format(said.verdict.basis.map((kind) => BASES[kind]));
  element("basis").textContent = basis ? `This rests on ${basis}.` : "";
  element("result").dataset.verdict = said.verdict.code;
  element("marks").replaceChildren(...said.marks.map(markRow));
  showReleases(said.releases);
  showCandidates(said.candidates);
  showSureness(said);
  offer(answer, name);
  element("result").hidden = false;
  element("headline").focus();
}

function markRow(mark) {
  const row = element("mark-row").content.cloneNode(true).firstElementChild;
  row.className = mark.state;
  row.querySelector("strong").textContent = STATES[mark.state];
  const [what, detail] = row.querySelectorAll("p");
  what.textContent = KINDS[mark.kind] ?? mark.kind;
  const facts = Object.entries(FACTS)
    .filter(([key]) => mark.facts[key])
    .map(([key, words]) => `${words}: ${mark.facts[key]}`);
  detail.textContent = [mark.detail, ...facts].join(" · ");
  return row;
}

function facts(list, entries) {
  for (const [term, value] of entries) {
    if (!value) continue;
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    const code = document.createElement("code");
    dt.textContent = term;
    code.textContent = value;
    dd.append(code);
    list.append(dt, dd);
  }
  return list;
}

const when = (time) => time?.replace("T", " ").replace(/\.\d+Z$/, " UTC");

function showReleases(releases) {
  const section = element("releases");
  for (const old of section.querySelectorAll("dl")) old.remove();
  section.hidden = !releases.length;
  for (const release of releases) {
    const list = element("release-facts").content.cloneNode(true).firstElementChild;
    facts(list, [
      ["Record", release.record],
      ["Released", when(release.released_at)],
      ["Recalled", when(release.recalled_at)],
      ["File as released", release.sha256],
      ["Place in the log", release.proof ? `leaf ${release.proof.index}` : "being published"],
    ]);
    section.append(list);
  }
}

function showCandidates(candidates) {
  element("candidates").hidden = !candidates.length;
  element("alike").replaceChildren(
    ...candidates.map((candidate) => {
      const item = document.createElement("li");
      item.textContent = `${candidate.record}, ${candidate.score} of 100`;
      return item;
    }),
  );
}

function falseAlarm({ threshold_z: z, false_positive_bound: bound }) {
  if (Number(bound) === 0) return "No file was marked here yet";
  const files = Number((1 / Number(bound)).toPrecision(1));
  return `Counts from z = ${z} on: at most 1 false alarm in ${files.toLocaleString("en")} unmarked files`;
}

function showSureness(said) {
  const { watermark } = said.reliability;
  element("sureness").replaceChildren();
  facts(element("sureness"), [
    ["Watermark", falseAlarm(watermark)],
    ["Looked at", said.file.seconds !== "0.000" && `${said.file.seconds_examined} of ${said.file.seconds} s`],
    ["SHA-256", said.file.sha256],
    ["Time", when(said.time)],
  ]);
}

function offer(answer, name) {
  URL.revokeObjectURL(address);
  const text = JSON.stringify(answer, null, 2);
  address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("download").href = address;
  element("download").download = `${name}.detection.json`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.files.length) send(input.files[0]);
});
element("stop").addEventListener("click", () => sending?.abort());

for (const part of document.querySelectorAll("[data-scripted]")) part.hidden = false;
for (const kind of ["dragenter", "dragover"]) {
  form.addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  form.addEventListener(kind, () => form.classList.remove("over"));
}
form.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length || form.getAttribute("aria-busy") === "true") return;
  input.files = event.dataTransfer.files;
  send(input.files[0]);
});
