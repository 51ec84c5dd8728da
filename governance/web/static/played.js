// What was really shown of the file: each part counted once, and whether with sound and unblurred.
// Kept per review and file in this tab, so that loading the page again loses nothing.
const player = document.getElementById("player");
const media = document.getElementById("media");
const isImage = media.tagName === "IMG";
const isVideo = media.tagName === "VIDEO";
const duration = Number(player.dataset.seconds);
const key = `played:${player.dataset.review}:${player.dataset.digest}`;
// Lists of [from, to] in seconds: seen at all; of that, heard; of that, seen clearly.
const played = JSON.parse(sessionStorage.getItem(key)) ?? { seen: [], heard: [], clear: [] };

const JOIN = 0.05; // seconds: gaps shorter than this come from the clock, not from the reviewer
const STEP = 1.5; // seconds: browsers tell the position four times a second, loaded ones less

function add(ranges, from, to) {
  const sorted = [...ranges, [from, to]].sort((a, b) => a[0] - b[0]);
  const joined = [sorted[0]];
  for (const [start, end] of sorted.slice(1)) {
    const last = joined.at(-1);
    if (start <= last[1] + JOIN) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

const total = (ranges) => ranges.reduce((sum, [from, to]) => sum + to - from, 0);
const isBlurred = () => player.classList.contains("blurred");
const isSilent = () => !isImage && (media.muted || media.volume === 0);

function count(from, to, { silent, blurred }) {
  played.seen = add(played.seen, from, to);
  if (!silent) played.heard = add(played.heard, from, to);
  if (!blurred) played.clear = add(played.clear, from, to);
  sessionStorage.setItem(key, JSON.stringify(played));
  show();
}

function show() {
  const seen = total(played.seen);
  const muted = total(played.heard) < seen - 0.1;
  const blurred = total(played.clear) < seen - 0.1;
  const set = (id, value) => document.getElementById(id)?.setAttribute("value", value);
  set("played_seconds", seen.toFixed(1));
  set("played_muted", muted ? "yes" : "no");
  set("played_blurred", blurred ? "yes" : "no");
  const notes = [muted && "partly muted", blurred && "partly blurred"].filter(Boolean);
  const share = `${isVideo ? "Seen" : "Heard"} ${seen.toFixed(1)} of ${duration.toFixed(1)} s`;
  const told = isImage ? `Seen for ${seen.toFixed(0)} s` : share;
  document.getElementById("seen").textContent = [told, ...notes].join(", ");
  document.getElementById("meter").value = isImage ? Number(seen > 0) : Math.min(1, seen / duration);
}

function watchImage() {
  setInterval(() => {
    if (media.complete && media.naturalWidth && !document.hidden) {
      const seen = total(played.seen);
      count(seen, seen + 1, { silent: false, blurred: isBlurred() });
    }
  }, 1000);
}

// Where and how it played when we last looked; null while it did not.
let last = null;

function look() {
  const now = media.currentTime;
  const step = STEP * Math.max(1, media.playbackRate);
  if (last && now > last.at && now - last.at < step) count(last.at, now, last);
  const stands = media.paused || media.seeking || (isVideo && document.hidden);
  last = stands ? null : { at: now, silent: isSilent(), blurred: isBlurred() };
}

function watchPlaying() {
  for (const event of ["timeupdate", "play", "pause", "ended", "volumechange"]) {
    media.addEventListener(event, look);
  }
  // Comes before any look at the new position: a jump is not a part that was played.
  media.addEventListener("seeking", () => (last = null));
  document.addEventListener("visibilitychange", look);
}

function tools() {
  const blur = document.getElementById("blur");
  blur?.addEventListener("click", () => {
    if (!isImage) look();
    const on = player.classList.toggle("blurred");
    blur.setAttribute("aria-pressed", String(on));
  });
  for (const button of document.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => (media.currentTime += Number(button.dataset.step)));
  }
  for (const button of isImage ? [] : document.querySelectorAll("[data-at]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      media.currentTime = Number(button.dataset.at);
      media.focus();
    });
  }
  document.getElementById("tools").hidden = false;
}

tools();
show();
if (isImage) watchImage();
else watchPlaying();
