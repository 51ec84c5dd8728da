// One journey with the official Node client: URL KEY → JSON. The same as openai_journey.py.

import OpenAI from "openai";
import { VERSION } from "openai/version";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const told = {
  project: "launch",
  territories: "EU",
  audience: "internal",
  deep_fake: "no",
  real_person: "no",
};

async function finished(id) {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (video.status === "completed" || video.status === "failed") return video;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function downloaded(id) {
  const answer = await client.videos.downloadContent(id);
  return Buffer.from(await answer.arrayBuffer());
}

async function code(promise) {
  try {
    await promise;
    return "";
  } catch (error) {
    return error instanceof OpenAI.APIError ? error.code : String(error);
  }
}

const made = await client.videos.create({
  model: "local/procedural-video",
  prompt: "a calm sea at dusk",
  seconds: "1",
  size: "640x360",
  metadata: told,
});
const video = await finished(made.id);
const content = await downloaded(video.id);
const remixed = await client.videos.remix(video.id, { prompt: "a calm sea at dawn" });
const remix = await finished(remixed.id);
const remixContent = await downloaded(remix.id);
const listed = [];
for await (const entry of client.videos.list({ limit: 1 })) listed.push(entry.id);
const deleted = [await client.videos.delete(remix.id), await client.videos.delete(video.id)];
const picture = await client.images.generate({
  model: "local/procedural-image",
  prompt: "a calm sea at dusk",
  size: "128x128",
  metadata: told,
});

console.log(
  JSON.stringify({
    version: VERSION,
    created: made.status,
    statuses: [video.status, remix.status],
    size: video.size,
    heads: [content, remixContent].map((bytes) => bytes.subarray(4, 8).toString()),
    differs: !content.equals(remixContent),
    remixed_from: remix.remixed_from_video_id === video.id,
    listed: [video.id, remix.id].map((id) => listed.includes(id)),
    deleted: deleted.map((answer) => answer.deleted),
    picture: Buffer.from(picture.data[0].b64_json, "base64").subarray(1, 4).toString(),
    gone: await code(client.videos.retrieve(video.id)),
    refused: await code(
      client.videos.create({ model: "sora-2", prompt: "a calm sea at dusk", metadata: told }),
    ),
  }),
);
