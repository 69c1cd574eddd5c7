import { type Brand, IdpError } from "../kernel/index.ts";

/** A redirect target that cannot leave this origin unless it was validated. */
export type SafeUrl = Brand<string, "SafeUrl">;

/** A path of our own origin. @throws IdpError INTERNAL for anything a browser could read as another origin. */
export function localPath(path: string): SafeUrl {
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(path))
    throw new IdpError("INTERNAL", { because: "a redirect target is not a local path" });
  return path as SafeUrl;
}
