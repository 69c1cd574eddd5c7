/** The sockets in front of the application: addresses, TLS, limits of connections and time. */
export {
  CertificateError,
  type Certificates,
  inspectCertificates,
  openCertificates,
} from "./certificates.ts";
export { type ConnectionGate, createConnectionGate } from "./connections.ts";
export { type ListenDeps, type Listening, listen } from "./listen.ts";
