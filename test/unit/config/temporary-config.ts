import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type Config, type ConfigFault, formatFaults, loadConfig } from "../../../src/config/index.ts";

type Variables = Readonly<Record<string, string>>;

/** A folder with a backend script, in which configurations are tried. It goes with the test file. */
export function temporaryConfig() {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-config-"));
  after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const load = (text: string, environment: Variables = {}) => {
    write("id.yaml", text);
    return loadConfig(join(folder, "id.yaml"), environment);
  };
  write("backend.lua", "");
  return {
    folder,
    write,
    faults: (text: string, environment?: Variables): readonly ConfigFault[] => {
      const loaded = load(text, environment);
      return loaded.ok ? [] : loaded.problem;
    },
    config: (text: string, environment?: Variables): Config => {
      const loaded = load(text, environment);
      if (!loaded.ok) throw new Error(formatFaults(loaded.problem));
      return loaded.value;
    },
  };
}

/** Four lines that are sound by themselves; more keys go below. */
export const SOUND = `issuer: http://localhost:8080
server: { listen: [{ host: 127.0.0.1, port: 8080 }] }
store: "memory:"
lua: { backends: [{ name: default, script: ./backend.lua }] }
`;

/** A sound file with one client that has these keys beside its id, on line 6. */
export function withClient(keys: string, issuer = "http://localhost:8080"): string {
  return `${SOUND.replace("http://localhost:8080", issuer)}oidc:\n  clients: [{ client_id: app, ${keys} }]\n`;
}
