import type { IncomingMessage } from "node:http";
import type { HttpRequestFacts } from "../backend/index.ts";
import type { Random } from "../kernel/index.ts";
import type { RequestFacts } from "../login/index.ts";

/** Connection facts of a request, with one reference id per request that pages, log and audit share. */
export function createRequestFacts(address: (req: IncomingMessage) => string, random: Random): RequestFacts {
  const references = new WeakMap<IncomingMessage, string>();
  const referenceOf = (req: IncomingMessage): string => {
    const known = references.get(req);
    if (known !== undefined) return known;
    const made = Buffer.from(random.bytes(6)).toString("hex");
    references.set(req, made);
    return made;
  };
  return {
    of(req) {
      const agent = req.headers["user-agent"];
      return {
        session: referenceOf(req),
        client_ip: address(req),
        client_port: String(req.socket.remotePort ?? ""),
        user_agent: typeof agent === "string" ? agent.slice(0, 512) : "",
        local_ip: req.socket.localAddress ?? "",
        local_port: String(req.socket.localPort ?? ""),
        http_request: JSON.stringify(httpFacts(req)),
      };
    },
  };
}

/** They prove who sent the request, and are nothing for scripts. */
const CREDENTIALS: ReadonlySet<string> = new Set(["cookie", "authorization", "proxy-authorization"]);

function httpFacts(req: IncomingMessage & { readonly originalUrl?: string }): HttpRequestFacts {
  // Express takes the path of a router off `url`.
  const [path = "", search = ""] = (req.originalUrl ?? req.url ?? "").split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  const headers = Object.entries(req.headersDistinct).filter(([name]) => !CREDENTIALS.has(name));
  return {
    method: req.method ?? "",
    path,
    query: Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name)])),
    headers: Object.fromEntries(headers.map(([name, values]) => [name, values ?? []])),
  };
}
