/**
 * The operator's configuration: one strict YAML file, checked as a whole, every fault with its place. The value is plain and
 * read-only; secrets in it are `Secret`s.
 */
export { loadConfig } from "./load.ts";
export { formatFaults } from "./report.ts";
export type { Config } from "./schema.ts";
export { type ConfigFault, plainFault } from "./source.ts";
export { configJsonSchema } from "./suggest.ts";
export { readTlsPair, type TlsFault, type TlsFiles, type TlsPair } from "./tls-files.ts";
export { type ConfigWatch, watchConfig } from "./watch.ts";
