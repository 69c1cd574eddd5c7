import type { IncomingMessage } from "node:http";
import type { CallContext } from "../backend/index.ts";

/** The part of a call context that comes from the connection. */
export type ConnectionFacts = Pick<
  CallContext,
  "session" | "client_ip" | "client_port" | "user_agent" | "local_ip" | "local_port" | "http_request"
>;

/** Reads the connection behind a request, with trusted proxies taken into account. Built in the composition root. */
export interface RequestFacts {
  of(req: IncomingMessage): ConnectionFacts;
}
