import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Refused } from "./failure.ts";
import type { Outlet } from "./outlet.ts";
import { hostOf, portOf } from "./reach.ts";
import { redirectOf } from "./redirect.ts";
import { isSafe, type Wish } from "./wish.ts";

export interface Answer {
  readonly url: URL;
  readonly status: number;
  /** Names and values in turn, each character one byte. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Bytes that answers may still have. */
export interface Budget {
  left: number;
}

const REDIRECTS = 10;
const HEADER_BYTES = 16 * 1024;

/** Sends a request and those it is redirected to. @throws Refused, and what Node throws. */
export async function exchange(outlet: Outlet, wish: Wish, signal: AbortSignal, budget: Budget): Promise<Answer> {
  let next = wish;
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const refusal = outlet.reach.refusalOf(next.url);
    if (refusal !== undefined)
      throw new Refused(hop === 0 ? refusal : `it redirects to ${next.url.origin}: ${refusal}`);
    const response = await open(outlet, next, signal);
    const status = response.statusCode ?? 0;
    const onward = tryRedirect(next, status, response);
    if (onward === undefined) return await answerOf(response, next, budget);
    response.destroy();
    next = onward;
  }
  throw new Refused(`it redirects over ${REDIRECTS} times`);
}

function tryRedirect(wish: Wish, status: number, response: IncomingMessage): Wish | undefined {
  try {
    return redirectOf(wish, status, response.headers.location);
  } catch (error) {
    response.destroy();
    throw new Refused(error instanceof Error ? error.message : "it redirects to nowhere");
  }
}

/** Resolves with the head of the answer. A kept connection that the server just closed is no failure of a request that only reads. */
async function open(outlet: Outlet, wish: Wish, signal: AbortSignal): Promise<IncomingMessage> {
  const asked = outlet.isTls(wish.url) ? https : http;
  const { url, method } = wish;
  const request = asked.request({
    agent: outlet.agentFor(url),
    lookup: outlet.lookupFor(portOf(url)),
    host: hostOf(url),
    port: portOf(url),
    path: url.pathname + url.search,
    method,
    headers: { "accept-encoding": "gzip", ...wish.headers },
    maxHeaderSize: HEADER_BYTES,
    signal,
  });
  try {
    return await new Promise((resolve, reject) => {
      request.on("response", resolve);
      request.on("error", reject);
      request.on("upgrade", (_response, socket) => {
        socket.destroy();
        reject(new Refused("it answers with another protocol"));
      });
      request.end(wish.body);
    });
  } catch (error) {
    const isStale = request.reusedSocket && error instanceof Error && "code" in error && error.code === "ECONNRESET";
    if (isStale && isSafe(method) && !signal.aborted) return await open(outlet, wish, signal);
    throw error;
  }
}

async function answerOf(response: IncomingMessage, wish: Wish, budget: Budget): Promise<Answer> {
  const { statusCode: status = 0, headers } = response;
  const isEmpty = wish.method === "HEAD" || status === 204 || status === 304;
  if (!isEmpty && Number(headers["content-length"] ?? 0) > budget.left) {
    response.destroy();
    throw tooLarge();
  }
  const isPacked =
    !isEmpty && wish.headers["accept-encoding"] === undefined && /^gzip$/i.test(headers["content-encoding"] ?? "");
  const chunks: Buffer[] = [];
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      budget.left -= chunk.length;
      if (budget.left < 0) throw tooLarge();
      chunks.push(chunk);
    }
  };
  await (isPacked ? pipeline(response, createGunzip(), collect) : pipeline(response, collect));
  // What was unpacked here is what the script gets.
  const kept = response.rawHeaders.filter((_, index, all) => {
    const name = all[index - (index % 2)] ?? "";
    return !isPacked || !/^content-(?:encoding|length)$/i.test(name);
  });
  return { url: wish.url, status, headers: kept, body: Buffer.concat(chunks) };
}

function tooLarge(): Refused {
  return new Refused("the answer is over 8 MB, or the answers of a batch together");
}
