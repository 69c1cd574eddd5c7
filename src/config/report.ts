import type { ConfigFault } from "./source.ts";

/** One line per fault: `file:line path: what is wrong (what would be right)`. */
export function formatFaults(faults: readonly ConfigFault[]): string {
  return faults
    .map(({ file, line, path, message, suggestion }) => {
      const place = line === 0 ? file : `${file}:${line}`;
      return `${place}: ${path === "" ? "" : `${path}: `}${message}${suggestion === undefined ? "" : ` (${suggestion})`}\n`;
    })
    .join("");
}
