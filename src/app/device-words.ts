import { parse } from "bowser";
import type { Pages } from "../http/index.ts";

/** A browser in words people know, such as "Chrome" and "Windows"; `undefined` where it does not say. */
function deviceWords(userAgent: string): { readonly browser: string | undefined; readonly os: string | undefined } {
  if (userAgent === "") return { browser: undefined, os: undefined };
  const { browser, os } = parse(userAgent);
  return { browser: browser.name, os: os.name };
}

/** What a key is called that was made in this browser, when the key itself does not tell. */
export function keyName(userAgent: string): string {
  const { os } = deviceWords(userAgent);
  return os === undefined ? "Passkey" : `Passkey (${os})`;
}

/** "Chrome on Windows", in the person's language. */
export function createDeviceNames(pages: Pages): (userAgent: string, lang: string) => string | undefined {
  return (userAgent, lang) => {
    const { browser, os } = deviceWords(userAgent);
    if (browser === undefined || os === undefined) return browser ?? os;
    return pages.translator({ url: "/", uiLocales: lang }).t("sessions.on", { browser, os });
  };
}
