import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { Router } from "express";
import { exactRouter } from "./exact-router.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

/** Static files under names with their content's hash, kept in memory: they may be cached for ever. */
export interface Assets {
  /** The address of a file of the public folder. */
  url(name: string): string;
  readonly router: Router;
}

/** @param generated files that are made at start, by name: the brand's colours. */
export function loadAssets(publicRoot: string, generated: Readonly<Record<string, string | Buffer>> = {}): Assets {
  const files = new Map<string, { readonly type: string; readonly body: Buffer }>();
  const urls = new Map<string, string>();
  const add = (name: string, body: Buffer): void => {
    const extension = extname(name);
    const hash = createHash("sha256").update(body).digest("hex").slice(0, 12);
    const url = `/assets/${name.slice(0, -extension.length)}-${hash}${extension}`;
    files.set(url, { type: TYPES[extension] ?? "application/octet-stream", body });
    urls.set(name, url);
  };
  for (const name of readdirSync(publicRoot))
    if (extname(name) in TYPES) add(name, readFileSync(join(publicRoot, name)));
  for (const [name, text] of Object.entries(generated)) add(name, Buffer.from(text));

  const router = exactRouter();
  router.get("/assets/:name", (req, res, next) => {
    const file = files.get(req.path);
    if (file === undefined) return next();
    res.set({ "Content-Type": file.type, "Cache-Control": "public, max-age=31536000, immutable" }).send(file.body);
  });
  return {
    router,
    url(name) {
      const url = urls.get(name);
      if (url === undefined) throw new Error(`there is no public file ${name}`);
      return url;
    },
  };
}
