// Runs the TypeScript of the guide, as it was pasted into slack.ts, behind Node's own HTTP server.
import { createServer } from "node:http";
import * as slack from "./slack.ts";

const routes = {
  "GET /slack/connect": slack.connectSlack,
  "GET /slack/status-token": slack.statusToken,
  "GET /slack/return": slack.slackReturn,
  "GET /slack/known": slack.whatWeKnow,
  "POST /webhooks/slack": slack.hear,
};

async function answer(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { method, headers } = incoming;
  const url = new URL(incoming.url, `http://${headers.host}`);
  const route = routes[`${method} ${url.pathname}`];
  if (!route) return new Response(null, { status: 404 });
  try {
    return await route(new Request(url, { method, headers, body: method === "POST" ? Buffer.concat(chunks) : undefined }));
  } catch (error) {
    if (error instanceof Response) return error;
    console.error(error);
    return new Response(null, { status: 500 });
  }
}

createServer(async (incoming, outgoing) => {
  const response = await answer(incoming);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}).listen(Number(process.argv[2]), "127.0.0.1");
