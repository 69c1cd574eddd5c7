import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A folder whose disk can be full. */
export interface SmallDisk {
  fill(): void;
  free(): void;
  remove(): void;
}

/**
 * Makes an empty folder a file system of 8 MB. Where that is not allowed, files of this process cannot grow while it is "full", which
 * SQLite meets at the same calls.
 */
export function smallDisk(folder: string): SmallDisk {
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", folder]).status === 0;
  const filler = join(folder, "filler");
  const limit = (bytes: string) => void spawnSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:`]);
  return {
    fill() {
      if (!isMounted) return limit("1");
      for (let size = 1 << 20; size >= 1; size >>= 1) growBy(filler, size);
    },
    free: () => (isMounted ? rmSync(filler, { force: true }) : limit("unlimited")),
    remove: () => (isMounted ? void spawnSync("umount", [folder]) : limit("unlimited")),
  };
}

/** Appends until there is no room for so many bytes. */
function growBy(file: string, bytes: number): void {
  for (;;) {
    try {
      writeFileSync(file, Buffer.alloc(bytes), { flag: "a" });
    } catch {
      return;
    }
  }
}
