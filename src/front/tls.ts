import { constants } from "node:crypto";
import type { TLSSocket, TlsOptions } from "node:tls";
import type { TlsPair } from "../config/index.ts";

/** Mozilla's "intermediate": TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** How an address speaks TLS with this pair. */
export function tlsOptions(pair: TlsPair): TlsOptions {
  return {
    cert: pair.certificate,
    key: pair.key.expose(),
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    ALPNProtocols: ["http/1.1"],
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

const PLAIN_HTTP = "This port speaks https; the address must begin with https://\n";

/** Tells a client that came with plain http; whoever else fails at the handshake is closed. */
export function refuseHandshake(error: Error, socket: TLSSocket): void {
  // The bytes must not go through TLS, which never began; Node keeps the connection below here.
  const below: unknown = Reflect.get(socket, "_parent");
  const isPlain = "code" in error && error.code === "ERR_SSL_HTTP_REQUEST";
  if (isPlain && isWritable(below))
    below.end(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${PLAIN_HTTP.length}\r\n\r\n${PLAIN_HTTP}`,
    );
  else socket.destroy();
}

function isWritable(value: unknown): value is { end(text: string): void } {
  return typeof value === "object" && value !== null && "end" in value && typeof value.end === "function";
}
